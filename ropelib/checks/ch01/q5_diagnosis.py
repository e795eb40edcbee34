"""Say which property each of five programs breaks."""

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def diagnosis() -> dict[str, str]:
    return {"A": "none", "B": "length", "C": "offset", "D": "origin", "E": "none"}


QUESTION = Question(
    name="diagnosis",
    title="Which test notices?",
    objective="say which property of a rotation each kind of bug breaks, and that some bugs break none",
    difficulty="demanding",
    minutes=15,
    points=4,
    reference=diagnosis,
    cases=lambda seed: [Case(f"program {name}", calls=False, entry=name) for name in "ABCDE"],
    options=("length", "offset", "origin", "none"),
    misconceptions=[
        Misconception(
            "clockwise taken for a fault",
            {"A": "offset"},
            "A turns clockwise, query and key alike. Move both by seven places and compute the score: does it change?",
        ),
        Misconception(
            "only the last failure named",
            {"B": "offset"},
            "B does fail the offset test, but another one notices first. In which order are the tests?",
        ),
        Misconception(
            "a missing minus taken for harmless",
            {"B": "none"},
            "B has a plus in both rows. How long is (1, 1) after a turn by 45 degrees?",
        ),
        Misconception(
            "opposite turns taken for relative",
            {"C": "none"},
            "C turns the query one way and the key the other. Which angle is then between them: n − m, or m + n?",
        ),
        Misconception(
            "opposite turns taken for a change of length",
            {"C": "length"},
            "C turns the wrong way for one of the two, but it does turn. Is there a turn that changes a length?",
        ),
        Misconception(
            "counting from 1 taken for absolute",
            {"D": "offset"},
            "D adds 1 to both positions. What does the difference of two numbers do when both grow by 1?",
        ),
        Misconception(
            "counting from 1 not noticed",
            {"D": "none"},
            "D passes two tests. What should happen to a query at position 0, and what does D do with it?",
        ),
        Misconception(
            "trust in the offset test",
            {"E": "offset"},
            "E is wrong, and you may have expected the offset test to say so. Run it: what is the score of E at offset "
            "3, and at offset 5? The test compares scores at one offset only.",
        ),
        Misconception(
            "trust in the origin test",
            {"E": "origin"},
            "E is wrong, but at position 0 it does nothing, as it should: the origin test has nothing to object to.",
        ),
    ],
    hints=[
        "Do not argue, measure: write the three tests as functions of a program, and run them on all five.",
        "length: np.linalg.norm before and after. offset: the score at (m, n) and at (m + 7, n + 7). "
        "origin: m = n = 0.",
        "One of the five is wrong and passes everything, and one is not even wrong.",
    ],
    explanation="A is a convention, not a bug. E is useless (its scores ignore the offset altogether) and passes all "
    "three tests: properties find many bugs, known values find the rest.",
)
