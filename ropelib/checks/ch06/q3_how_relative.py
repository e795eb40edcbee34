"""Say which roundings leave a RoPE relative, which almost do, and which destroy it."""

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def how_relative() -> dict[str, str]:
    return {"A": "exactly", "B": "not", "C": "nearly", "D": "not", "E": "exactly", "F": "not"}


QUESTION = Question(
    name="how_relative",
    title="Which roundings keep it relative?",
    objective="predict from where a rounding stands whether scores still depend on the offset alone",
    difficulty="moderate",
    minutes=10,
    points=2,
    reference=how_relative,
    cases=lambda seed: [Case(f"program {name}", calls=False, entry=name) for name in "ABCDEF"],
    options=("exactly", "nearly", "not"),
    misconceptions=[
        Misconception(
            "rounded frequencies taken for growing errors",
            {"A": "not"},
            "A rounds the frequencies. The angle of each token is then wrong by more and more, but the score sees the "
            "difference of two angles: (n − m) times what?",
        ),
        Misconception(
            "rounded frequencies taken for noise",
            {"A": "nearly"},
            "A rounds the frequencies and nothing after them. Do query and key turn by the same rounded frequencies? "
            "Then how much can their score change when both move?",
        ),
        Misconception(
            "division taken for a rescue",
            {"B": "nearly"},
            "B divides by 8 before the cast, so the numbers are smaller. A float keeps digits, not decimals: how many "
            "steps of float16 lie between 30 000/8 and 30 005/8?",
        ),
        Misconception(
            "division taken for harmless",
            {"B": "exactly"},
            "B divides by 8 and then rounds to 11 bits. Dividing by a power of two changes the exponent of a float and "
            "no digit: what has it gained?",
        ),
        Misconception(
            "reduced angles taken for growing errors",
            {"C": "not"},
            "C rounds angles, as the chapter did, but after it brought them into one turn. How large can such an angle "
            "be, and so its rounding error?",
        ),
        Misconception(
            "reduced angles taken for exact",
            {"C": "exactly"},
            "C rounds the reduced angles. That error is small, but is it the same for a token at 5 and at 30 005?",
        ),
        Misconception(
            "reduced after the cast",
            {"D": "nearly"},
            "D does the two steps of C in the other order. Which of the two loses the digits, and can the other bring "
            "them back?",
        ),
        Misconception(
            "reduced after the cast taken for exact",
            {"D": "exactly"},
            "D casts the full angle to float16 first. Near 30 000 the steps of float16 are 16 apart: how many turns is "
            "that?",
        ),
        Misconception(
            "positions in float16 always taken for harmful",
            {"E": "not"},
            "E casts positions to float16, but look at which positions: what is left after the subtraction, and is it "
            "exact in 11 bits?",
        ),
        Misconception(
            "shifted positions taken for rounded",
            {"E": "nearly"},
            "E shifts both positions by the same amount before the cast. What does a shift do to an offset, and what "
            "does the cast do to 0 and 5?",
        ),
        Misconception(
            "two sets of frequencies taken for harmless",
            {"F": "exactly"},
            "F rounds the frequencies of the query only. Write the difference of the two angles as n·θ − m·θ′: does m "
            "drop out of it?",
        ),
        Misconception(
            "two sets of frequencies taken for a small error",
            {"F": "nearly"},
            "F rounds the frequencies of the query only. The difference is n·θ − m·θ′. At m = 30 000, what does θ − θ′ "
            "come to?",
        ),
    ],
    hints=[
        "For each program, write down the angle of the query and of the key, and subtract.",
        "Measure: rotate q and k by the two rows of program(np.array([m, m + 5])), for many m, and take np.ptp of the "
        "scores: the largest minus the smallest.",
        "Two programs are exactly relative, one nearly.",
    ],
    explanation="Frequencies that query and key share may be rounded, and so may a small number, or late a bounded "
    "one. What grows with the position may not. F is the treacherous one: each side for itself is exactly relative.",
)
