"""Predict which ways to tell positions keep their scores when positions change."""

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def what_stays() -> dict[str, str]:
    return {"moved": "bias and rotate", "mirrored": "bias", "stretched": "none", "sent away": "rotate"}


QUESTION = Question(
    name="what_stays",
    title="Which scores stay?",
    objective="say what adding, biasing and rotating notice when positions change, and what they do not",
    difficulty="warm-up",
    minutes=5,
    points=3,
    reference=what_stays,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in what_stays()],
    options=("none", "bias", "rotate", "bias and rotate", "all"),
    misconceptions=[
        Misconception(
            "adding taken for relative",
            {"moved": "all"},
            "Adding does notice the move. Its first and its last term stay: what about the two mixed ones?",
        ),
        Misconception(
            "rotation taken for absolute",
            {"moved": "bias"},
            "Every vector turns further when the sentence moves, that is true. But both sides of a score turn by the "
            "same: what does their dot product notice?",
        ),
        Misconception(
            "bias taken for absolute",
            {"moved": "rotate"},
            "The bias is computed from |m − n|. What is left of the ten places in that difference?",
        ),
        Misconception(
            "rotation taken for a distance",
            {"mirrored": "bias and rotate"},
            "In the mirror, the distance |m − n| stays and the offset n − m changes its sign. Does a key that is "
            "turned the other way give the same score?",
        ),
        Misconception(
            "bias taken for directed",
            {"mirrored": "none"},
            "One of them looks at the distance only, and a mirror keeps distances. Which?",
        ),
        Misconception(
            "distances exchanged with offsets",
            {"mirrored": "rotate"},
            "Which of the two uses |m − n|, and which one n − m with its sign? A mirror keeps one of these.",
        ),
        Misconception(
            "relative taken for order only",
            {"stretched": "bias and rotate"},
            "The tokens keep their order, but all offsets double. Relative means that the offset counts: is it the "
            "same?",
        ),
        Misconception(
            "bias taken for ranks",
            {"stretched": "bias"},
            "Two neighbours are now two steps apart. What is 0.5 times that distance, and what was it before?",
        ),
        Misconception(
            "doubling taken for a whole turn",
            {"stretched": "rotate"},
            "Doubling gives two neighbours half a turn between them where they had a quarter. Only whole turns leave "
            "no trace.",
        ),
        Misconception(
            "whole turn overlooked",
            {"sent away": "none"},
            "How far does the last token turn when it goes from place 4 to place 8, with a quarter turn for each "
            "place?",
        ),
        Misconception(
            "bias taken for periodic",
            {"sent away": "bias and rotate"},
            "One of the two grows with every step and never comes round. What does it make of four steps more?",
        ),
        Misconception(
            "bias and rotation mistaken for each other",
            {"sent away": "bias"},
            "The last token is four steps farther from all others, and that costs 2 more in a bias. Which method does "
            "not notice four places?",
        ),
    ],
    hints=[
        "What does each method use: the places themselves (add), the distance |m − n| (bias), or the offset n − m as "
        "an angle (rotate)? Then ask which of these the change leaves alone.",
        "A rotation by a quarter turn for each place cannot tell offsets apart that differ by 4.",
        "To measure it: compare scores(before, method) with scores(after[name], method), for each of the three.",
    ],
    explanation="A rotation with one frequency is relative and directed, but it comes round. That is why RoPE uses "
    "many frequencies: chapter 03.",
)
