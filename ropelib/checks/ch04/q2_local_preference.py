"""RoPE against a bias with a farthest distance: which keeps attention nearer, at 5 and at 20 tokens?"""

import numpy as np

from ropelib.checks.core import ROOMS, Misconception, Question
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles
from ropelib.worked_example import K, Q

ENTRIES = ("rope_5", "bias_5", "rope_20", "bias_20")


def local_preference() -> dict[str, float]:
    found = {}
    for count in (5, 20):
        tokens = np.arange(count)
        apart = np.abs(tokens[:, None] - tokens)
        q, k = (np.tile(x, (count // 5, 1)) for x in (Q, K))
        turns = np.exp(1j * tokens[:, None] * np.array([1.0, 0.01]))
        q_turned, k_turned = ((x[:, :2] + 1j * x[:, 2:]) * turns for x in (q, k))
        bias = np.array([0.0, -0.5, -1.0])[np.minimum(apart, 2)]
        scaled = {"rope": (q_turned @ k_turned.conj().T).real / 2, "bias": q @ k.T / 2 + bias}
        for name, scores in scaled.items():
            weights = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
            found[f"{name}_{count}"] = (weights * (apart <= 1)).sum(axis=1).mean()
    return found


def _shares(
    *,
    scale: float = 2.0,
    pairing: str = "half",
    turn_keys: bool = True,
    anew: bool = False,
    table: tuple[float, ...] = (0.0, -0.5, -1.0),
    before_scaling: bool = False,
    causal: bool = False,
    itself: bool = True,
    total: bool = False,
) -> dict[str, float]:
    """The right program with one of its steps done otherwise."""
    found = {}
    for count in (5, 20):
        tokens = np.arange(count)
        apart = np.abs(tokens[:, None] - tokens)
        q, k = (np.tile(x, (count // 5, 1)) for x in (Q, K))
        cos, sin = cos_sin(rotation_angles(tokens % 5 if anew else tokens, inverse_frequencies(4)))
        turned = rotate(q, cos, sin, pairing=pairing) @ (rotate(k, cos, sin, pairing=pairing) if turn_keys else k).T
        bias = np.array(table)[np.minimum(apart, len(table) - 1)]
        biased = (q @ k.T + bias) / scale if before_scaling else q @ k.T / scale + bias
        for name, scores in (("rope", turned / scale), ("bias", biased)):
            found[f"{name}_{count}"] = _near(scores, apart, causal, itself, total)
    return found


def _near(scores: Floats, apart: Floats, causal: bool, itself: bool, total: bool) -> float:
    exponentials = np.tril(np.exp(scores)) if causal else np.exp(scores)
    weights = exponentials / exponentials.sum(axis=1, keepdims=True)
    near = apart <= 1 if itself else apart == 1
    shares = (weights * near).sum(axis=1)
    return shares.sum() if total else shares.mean()


def _only(prefix: str, **slip: object) -> dict[str, float]:
    return {name: value for name, value in _shares(**slip).items() if name.startswith(prefix)}


QUESTION = Question(
    name="local_preference",
    title="Who stays near, at 5 and at 20 tokens?",
    objective="measure and compare the local preference of RoPE and of a bias, and say how it changes with length",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=local_preference,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in ENTRIES],
    tolerance=5e-3,
    answered_by=(*ROOMS, "ropelib.tiny_model", "ropelib.tiny_training"),
    misconceptions=[
        Misconception(
            "not scaled",
            lambda: _shares(scale=1.0),
            "The scores are not divided by √d before the softmax. What is √d for four features?",
        ),
        Misconception(
            "bias scaled too",
            lambda: _only("bias", before_scaling=True),
            "The bias was added before the division by √d, which halves it. It belongs to the scaled scores.",
        ),
        Misconception(
            "bias without an end",
            lambda: _only("bias", table=tuple(-0.5 * np.arange(20))),
            "The bias goes on falling. From which distance on does this one stay at −1?",
        ),
        Misconception(
            "bias rewards distance",
            lambda: _only("bias", table=(0.0, 0.5, 1.0)),
            "The bias has the wrong sign: it prefers what is far.",
        ),
        Misconception(
            "itself not counted",
            lambda: _shares(itself=False),
            "Only the neighbours were counted. |m − n| ≤ 1 holds for the token itself too.",
        ),
        Misconception(
            "sum over the queries",
            lambda: _shares(total=True),
            "This is the sum over all queries, which grows with their number. Take the mean.",
        ),
        Misconception(
            "future hidden",
            lambda: _shares(causal=True),
            "This has a causal mask. Here every token attends to all: a neighbour may also come later.",
        ),
        Misconception(
            "neighbours paired",
            lambda: _only("rope", pairing="interleaved"),
            "This rotation pairs features (0, 1) and (2, 3). The course pairs (0, 2) and (1, 3) unless it says so.",
        ),
        Misconception(
            "keys not turned",
            lambda: _only("rope", turn_keys=False),
            "The queries are rotated and the keys are not. What is a score then a function of?",
        ),
        Misconception(
            "positions begin anew",
            lambda: {"rope_20": _shares(anew=True)["rope_20"]},
            "Each repetition of the sentence was numbered from 0 again. At which position does the second “The” stand?",
        ),
    ],
    hints=[
        "np.tile(Q, (4, 1)) repeats the sentence. The positions then go from 0 to 19.",
        "Scale, then add the bias, then softmax each row. The bias is table[np.minimum(apart, 2)], with "
        "apart = |m − n|.",
        "The share of row m is the sum of its weights where apart <= 1; then take the mean of the rows.",
    ],
    explanation="Of all attention, both give far less to the near at 20 tokens, since there is more that is far. "
    "Measured by the yardstick, RoPE stays at about 1.3 times, and the bias rises from 1.4 to 1.9 times: everything "
    "beyond distance 1 pays the same penalty, however much of it there is. Each far token takes little, and together "
    "they take most. A bias that went on falling by 1/2 per step would keep 62 % of the attention near at 20 tokens, "
    "4.3 times the yardstick.",
)
