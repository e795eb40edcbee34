"""04 Three ways to tell position."""

import numpy as np

from ropelib.measured import measured
from ropelib.questions import Question, ask, figures, question, right, wrong
from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles
from ropelib.worked_example import K, PositionFreeAttention, Q

TRAINED, LONGEST = 1, 4  # columns of the kept results: 64 characters, as trained, and 512
EXTRA = "T5 bias, common rate"


def medians(column: int) -> dict[str, float]:
    """Scheme → loss on held-out text, the median over the seeds that are kept with the course."""
    return {name: float(np.median(seeds, axis=0)[column]) for name, seeds in measured("three_ways")["losses"].items()}


@question("04-matrix", "added positions behind a trained matrix")
def matrix() -> Question:
    def blocks(angles: list[float], lengths: list[float]) -> np.ndarray:
        a, b = (np.diag(np.array(lengths) * part(angles)) for part in (np.cos, np.sin))
        return np.block([[a, -b], [b, a]])

    candidates = {
        "nothing": np.eye(4),
        "stretch": np.diag([1.0, 2.0, 3.0, 4.0]),
        "turn": blocks([0.7, 0.4], [1.0, 2.0]),
        "trained": np.random.default_rng(0).integers(-2, 3, (4, 4)).astype(float),
    }

    def term(matrix: np.ndarray, shift: int) -> np.ndarray:
        angles = (np.arange(5)[:, None] + shift) * np.array([1.0, 0.01])
        p = np.concatenate([np.sin(angles), np.cos(angles)], axis=1)
        return p @ matrix @ p.T

    def those(passes: object) -> str:
        return ", ".join(name for name, matrix in candidates.items() if passes(matrix))

    return ask(
        "The sentence moves ten places to the right. Behind which of the four matrices M does the position term "
        "p·M·p keep its values?",
        wrong(
            those(lambda m: np.array_equal(m, np.eye(len(m)))),
            "Without a matrix it does. But p·p is relative because sinusoids are turned vectors, and there are "
            "matrices that do not get in the way of a turn.",
        ),
        wrong(
            those(lambda m: np.array_equal(m, m.T)),
            "You may have asked for symmetry: m and n could then change places. Staying the same when both move is "
            "another matter. Stretching sine and cosine of one pair differently makes an ellipse of the circle, and "
            "on an ellipse it matters where the turn begins.",
        ),
        right(
            those(lambda m: np.allclose(term(m, 10), term(m, 0))),
            "A matrix that turns each pair, or makes a whole pair longer, can change places with the turn that the "
            "position makes. The two turns then meet, and their difference is what is left.",
        ),
        wrong(
            those(lambda m: abs(np.linalg.det(m)) > 0),
            "Each of them keeps the information: none is singular. But knowing a position is not the same as "
            "depending on differences of positions only.",
        ),
    )


@question("04-alibi", "what a slope does to a weight")
def alibi() -> Question:
    slope, apart = 1 / 16, 32
    return ask(
        "An ALiBi head with the slope 1/16. Two keys have the same score before the bias; one stands 32 tokens "
        "farther back.\nIts weight is what share of the other's?",
        right(
            figures(np.exp(-slope * apart)),
            "The bias takes 32/16 = 2 off the score, and softmax turns a difference of 2 into a factor of e⁻².",
        ),
        wrong(
            figures(2 ** (-slope * apart)),
            "You halved the weight once for every 16 tokens. Softmax works with e, not with 2: the weight falls to "
            "1/e in 16 tokens.",
        ),
        wrong(
            figures(1 / (1 + slope * apart)),
            "You divided: 1/(1 + 32/16). The bias is *subtracted* from the score, and the exponential comes after "
            "that.",
        ),
        wrong(
            figures(slope),
            "That is the slope itself: what one token takes off the *score*, not what 32 of them leave of the weight.",
        ),
    )


@question("04-last-range", "the last range of T5's distances")
def last_range() -> Question:
    distances, exact, ranges, farthest = np.arange(1024), 16, 32, 128
    far = exact + np.log2(np.maximum(distances, exact) / exact) / np.log2(farthest / exact) * (ranges - exact)
    shared = np.where(distances < exact, distances, np.minimum(far.astype(int), ranges - 1))
    return ask(
        "32 ranges, with 128 for the farthest distance. How many of the distances 0 to 1023 share the last range?",
        wrong(
            str(len(distances) // ranges),
            "So it would be with ranges of equal width. They grow in proportion to the distance, and the last has "
            "no end.",
        ),
        wrong(
            str(int((distances == distances[-1]).sum())),
            "You gave every distance its own number, as in a table of distances. T5 does so for the first 16 only.",
        ),
        wrong(
            str(int((distances >= farthest).sum())),
            "Nearly: everything from 128 on is in it. But 128 is where a 33rd range would begin; the last of the "
            "32 begins before.",
        ),
        right(
            str(int((shared == ranges - 1).sum())),
            "The last of the growing ranges begins at 16 · 8^(15/16), just above 112, and whatever lies behind has "
            "no other range to go to.",
        ),
    )


@question("04-local", "who prefers neighbours, at 5 and at 20 tokens")
def local() -> Question:
    def looks_at(times: int, slope: float = 0.0, rope: bool = False) -> float:
        attention, positions = PositionFreeAttention(4), np.arange(5 * times)
        apart = np.abs(positions[:, None] - positions)
        q, k = np.tile(Q, (times, 1)), np.tile(K, (times, 1))
        if rope:
            cos, sin = cos_sin(rotation_angles(positions, inverse_frequencies(4)))
            q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        weights = attention.compute_weights(q @ k.T / 2 - slope * apart)
        return float((weights * apart).sum(axis=1).mean())

    def nearer(slope: float, *times: int) -> str:
        names = ["RoPE" if looks_at(n, rope=True) < looks_at(n, slope) else "the bias" for n in times]
        return f"at 5 tokens {names[0]}, at 20 tokens {names[1]}"

    right_answer, swapped = nearer(1 / 16, 1, 4), nearer(1 / 16, 4, 1)
    return ask(
        "The cat sat on the mat once (5 tokens), and four times in a row (20 tokens). Which looks nearer on average, "
        "RoPE or a bias with the slope 1/16?",
        wrong(
            nearer(0.0, 1, 4),
            "So it is against no positions at all: RoPE looks a little nearer at both lengths. Against a bias, it "
            "matters how much the bias has taken off at the distances there are.",
        ),
        right(
            right_answer,
            "Within five tokens the bias takes off a quarter of a point at most, and the rotation up to 1.4. "
            "But the bias keeps growing, and the rotation comes round again.",
        ),
        wrong(
            nearer(1 / 4, 1, 4),
            "A steep slope would win at both lengths, the slope 1/4 for example. This one takes off only 1/16 for "
            "each token.",
        ),
        wrong(
            swapped,
            "You expected RoPE's effect to add up with the distance and the bias to run out. It is the other way "
            "round: a line has no end, a turn comes back.",
        ),
    )


@question("04-none", "a causal model without positions")
def none() -> Question:
    trained, test_pairs, size = medians(TRAINED), 2.51, 84
    return ask(
        f"Counting pairs, which looks at one character, gives a loss of {test_pairs} on Hamlet. A causal model "
        "*without* positions has 64 characters to look at, and 200 steps of training. How does its loss compare?",
        wrong(
            "clearly worse",
            f"You may think of a heap of characters, and of the {figures(np.log(size))} of closed eyes. The heap is "
            "only what attention brings. The last character comes in past the attention, and it alone is worth a lot.",
        ),
        right(
            "about the same",
            f"{figures(trained['none'])}, the median of five seeds. It knows which characters there are, hardly their "
            "order, and the last one best: that one comes in by itself, past the attention.",
        ),
        wrong(
            "clearly better",
            f"64 characters tell more than one if their order is known: RoPE makes {figures(trained['RoPE'])} of the "
            "same 64. What it has and this model lacks is a way to tell which of them came last.",
        ),
    )


@question("04-moved", "the trained models, with a text moved by 1000 places")
def moved() -> Question:
    return ask(
        "A text of 64 characters is numbered from 1000 on instead of from 0. Whose loss changes?",
        right(
            "only that of the model with added sinusoids",
            "It alone is told absolute positions. A bias and a rotation enter through m − n, so 1000 drops out.",
        ),
        wrong(
            "all that have positions",
            "You took a position for a position. Biases and rotations use differences, and those have not changed.",
        ),
        wrong(
            "those with sinusoids and with RoPE",
            "You may think of the angles, which are indeed different: position 1000 is many turns on. But queries "
            "and keys turn alike, and scores see the difference of their angles.",
        ),
        wrong(
            "nobody's",
            "Sinusoids are relative too, you may say. Their dot product is, with nothing in between. In a trained "
            "model matrices stand between, and p is also mixed with the content.",
        ),
    )


@question("04-longer", "eight times the trained length")
def longer() -> Question:
    long, short = medians(LONGEST), medians(TRAINED)

    def losses(source: dict[str, float]) -> str:
        return ", ".join(f"{name} {figures(source[name], 1)}" for name in ("RoPE", "ALiBi", "none"))

    doubled = {name: loss - 3 * abs(loss - medians(TRAINED - 1)[name]) for name, loss in short.items()}
    trusted = {**short, "none": long["sinusoids added"]}
    return ask(
        f"The models were trained on 64 characters; at that length their losses are about {losses(short)}.\n"
        "Now they get 512 characters. What is the loss on the last 32, about?",
        wrong(
            losses(doubled),
            "More context should help, and for a model *trained* on 512 characters it does. These have never seen "
            "a distance beyond 63.",
        ),
        wrong(
            losses(trusted),
            "You trusted the relative schemes and mistrusted the one without. RoPE's angles are defined at every "
            "distance; what the trained queries and keys do at angles they have never met is not.",
        ),
        right(
            losses(long),
            "ALiBi goes on as before: what is far counts even less. The model without positions has nothing that "
            "could surprise it. RoPE's slow pairs reach angles that never occurred in training, and the loss rises.",
        ),
    )


@question("04-rate", "the same scheme, trained at another rate")
def rate() -> Question:
    trained = medians(TRAINED)
    names = [name for name in trained if name not in ("T5 bias", EXTRA)]

    def place(loss: float) -> str:
        return f"number {1 + sum(trained[name] < loss for name in names)}"

    return ask(
        "At 64 characters T5's bias is number 1 of the five. Its table was allowed to learn ten times as fast as the "
        "other parameters. With the same rate for all, which place does it take?",
        wrong(
            place(trained["T5 bias"]),
            "You took the place for a property of the scheme. It is a property of the scheme, the rate, the number "
            "of steps and the task together.",
        ),
        right(
            place(trained[EXTRA]),
            "The table starts from zero and has a long way to go, in 200 short steps. It has not arrived: the same "
            "scheme, and a race with another result.",
        ),
        wrong(
            place(max(trained.values()) + 1),
            "It suffers, but it does not become worse than no positions at all: a little bias is better than none.",
        ),
    )
