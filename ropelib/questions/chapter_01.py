"""01 The rotation identity."""

import numpy as np

from ropelib.questions import Question, ask, figures, question, right, wrong
from ropelib.reference import rotation_matrix


@question("01-quarter-turn", "a quarter turn, counter-clockwise")
def quarter_turn() -> Question:
    arrow = np.array([2.0, 1.0])

    def point(vector: np.ndarray) -> str:
        return f"({figures(vector[0], 0)}, {figures(vector[1], 0)})"

    return ask(
        "The arrow (2, 1) is turned by a quarter turn, counter-clockwise. Where does it end?",
        wrong(
            point(rotation_matrix(-np.pi / 2) @ arrow),
            "You turned clockwise: the minus sign stood in the other row of the matrix. It is the commonest slip in "
            "RoPE code, and a program with that slip still runs.",
        ),
        right(
            point(rotation_matrix(np.pi / 2) @ arrow),
            "A quarter turn sends (x, y) to (−y, x): cos(π/2) = 0, sin(π/2) = 1, and the minus sign stands in the "
            "first row.",
        ),
        wrong(
            point(rotation_matrix(np.pi) @ arrow),
            "You turned by π, and that is half a turn: both signs flip. A quarter turn is π/2, and it exchanges the "
            "two numbers.",
        ),
        wrong(
            point(arrow[::-1]),
            "That is the arrow mirrored at the diagonal: the numbers are exchanged, but the minus sign is lost. A "
            "turn keeps the order of two arrows, a mirror reverses it.",
        ),
    )


@question("01-which-angle", "the angle that is left in a dot product")
def which_angle() -> Question:
    a, b, alpha, beta = np.array([1.0, 2.0]), np.array([3.0, -1.0]), 0.7, 0.2
    score = (rotation_matrix(alpha) @ a) @ (rotation_matrix(beta) @ b)

    def candidate(angle: float) -> str:
        return figures(a @ rotation_matrix(angle) @ b, 6)

    return ask(
        "a is turned by α and b by β; then somebody takes their dot product, (R(α)a) · (R(β)b). "
        "Try α = 0.7, β = 0.2, a = (1, 2), b = (3, −1) if you like.\n"
        "It is equal to a · R(?) b. Which angle stands there?",
        wrong(
            "α + β",
            f"With α + β you get {candidate(alpha + beta)}; the score is {figures(score, 6)}. Angles add up when "
            "one arrow is turned twice. Here two arrows are turned once each, and the dot product compares them.",
        ),
        wrong(
            "α − β",
            f"With α − β you get {candidate(alpha - beta)}; the score is {figures(score, 6)}. Many texts print it. "
            "It is true when the matrix acts on a, and wrong when it acts on b: moving a matrix to the other side "
            "of a dot product transposes it.",
        ),
        right(
            "β − α",
            f"The score and a · R(β − α) b are both {candidate(beta - alpha)}. The matrix acts on b, so b's own angle "
            "comes first: (R(α)a)ᵀ R(β)b = aᵀ R(−α) R(β) b = aᵀ R(β − α) b.",
        ),
    )


@question("01-how-many", "how many different scores a table holds")
def how_many() -> Question:
    q, k, positions = np.array([1.2, 0.3]), np.array([0.5, 1.0]), np.arange(6)

    def different(theta_q: float, theta_k: float) -> int:
        """How many numbers the table holds if queries turn by theta_q a position, and keys by theta_k."""
        queries = np.stack([rotation_matrix(m * theta_q) @ q for m in positions])
        keys = np.stack([rotation_matrix(n * theta_k) @ k for n in positions])
        return len(np.unique((queries @ keys.T).round(9)))

    distances = np.abs(positions[:, None] - positions)
    return ask(
        "One query q and one key k that is not parallel to it, one frequency θ = 0.5, positions 0 to 5. A 6 × 6 table "
        "holds the score of q at position m (row) with k at position n (column).\n"
        "How many different numbers are in it?",
        wrong(
            str(different(0.5, 0.31)),
            "That many there are if every pair of positions (m, n) counts by itself, for instance if queries and "
            "keys turn at different speeds. They share θ, so the score knows only n − m.",
        ),
        right(
            str(different(0.5, 0.5)),
            "One for every offset n − m from −5 to 5. Along a diagonal of the table the number does not change, and "
            "the two sides of the diagonal differ.",
        ),
        wrong(
            str(len(np.unique(distances))),
            "You counted the distances |n − m|, from 0 to 5. But the offset has a sign: three to the right of the "
            "diagonal is another number than three to its left. RoPE tells before from after.",
        ),
    )


@question("01-looks-like-zero", "a distance that one hand takes for another")
def looks_like_zero() -> Question:
    distances = np.arange(1, 51)
    score = np.cos(distances)
    most_alike, most_opposite = distances[score.argmax()], distances[score.argmin()]
    return ask(
        "One pair with θ = 1 radian a token, and q = k = (1, 0): the score at distance Δ is cos Δ.\n"
        "Which distance from 1 to 50 looks to this pair most like distance 0?",
        wrong(
            str(distances.min()),
            f"The nearest distance is not the most alike: after one token the hand has turned by a whole radian, "
            f"and the score is {figures(np.cos(1.0), 3)}. A hand that turns fast sees its neighbour as quite another.",
        ),
        wrong(
            str(most_opposite),
            f"You counted half turns: {most_opposite} tokens are three and a half turns. The hand then points "
            f"exactly the other way, and the score is {figures(score.min(), 6)}.",
        ),
        right(
            str(most_alike),
            f"{most_alike} tokens are almost exactly seven turns (7 · 2π ≈ {figures(14 * np.pi)}), and the score is "
            f"{figures(score.max(), 6)}. One fast hand mistakes that token for the token itself.",
        ),
        wrong(
            str(int(np.ceil(2 * np.pi))),
            f"A turn takes 2π ≈ {figures(2 * np.pi)} tokens, but tokens come whole: after "
            f"{int(np.ceil(2 * np.pi))} the hand is already {figures(np.ceil(2 * np.pi) - 2 * np.pi)} rad too far, "
            f"and the score is {figures(np.cos(np.ceil(2 * np.pi)), 3)}. More turns can land nearer.",
        ),
    )
