"""Six kernels, four tests: which test is the first to notice?"""

from ropelib.checks.ch12.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def first_alarm() -> dict[str, str]:
    return {"A": "odd size", "B": "strides", "C": "heads", "D": "plain", "E": "none", "F": "none"}


QUESTION = Question(
    name="first_alarm",
    title="Which test sounds the alarm?",
    objective="say which test notices which mistake in a kernel, and which mistakes no test of values can notice",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=first_alarm,
    cases=lambda seed: [Case(f"kernel {name}", calls=False, entry=name) for name in "ABCDEF"],
    answered_by=ANSWERED_BY,
    options=("plain", "odd size", "heads", "strides", "none"),
    misconceptions=[
        Misconception(
            "unmasked store taken for a plain error",
            {"A": "plain"},
            "A stores without a mask. In the plain test, 64 tokens are two full blocks of 32: which element of the "
            "block is outside?",
        ),
        Misconception(
            "unmasked store taken for harmless",
            {"A": "none"},
            "A stores without a mask. With 50 tokens, where do the rows of the tokens 50 to 63 of head 0 lie, and who "
            "looks there?",
        ),
        Misconception(
            "unmasked store seen with several heads",
            {"A": "heads"},
            "A stores without a mask. The test with several heads has 64 tokens as well: does the last program of a "
            "head reach into the next one?",
        ),
        Misconception(
            "fixed strides taken for a plain error",
            {"B": "plain"},
            "B replaces a stride by head_dim. In a contiguous tensor, how far apart are the tokens of a head?",
        ),
        Misconception(
            "fixed strides seen with several heads",
            {"B": "heads"},
            "B replaces the stride of the *tokens*. In a contiguous tensor with three heads, is it another number "
            "than head_dim?",
        ),
        Misconception(
            "fixed strides taken for harmless",
            {"B": "none"},
            "B replaces a stride by head_dim. After transpose(1, 2), what stands between two tokens of a head?",
        ),
        Misconception(
            "wrong head taken for a plain error",
            {"C": "plain"},
            "C divides where it should take the remainder. With one text and one head, program_id(1) is 0: what are "
            "0 // 1 and 0 % 1?",
        ),
        Misconception(
            "wrong head taken for harmless",
            {"C": "none"},
            "C divides where it should take the remainder. With one text of three heads, which head do the programs "
            "0, 1 and 2 find?",
        ),
        Misconception(
            "wrong head seen with strides only",
            {"C": "strides"},
            "C gets the head wrong. Does one need another memory order to see it, or only a second head? The tests run "
            "in the order of the list.",
        ),
        Misconception(
            "the published bug seen late",
            {"D": "odd size"},
            "D stores a · cos + b · sin. Does that depend on the number of tokens?",
        ),
        Misconception(
            "the published bug taken for right",
            {"D": "none"},
            "D stores a · cos + b · sin in the second place. At position 0 that is a, and should be b. Does the plain "
            "test look at the odd members of the pairs?",
        ),
        Misconception(
            "stand-in taken for a value",
            {"E": "odd size"},
            "E loads 1 where the mask says no. What becomes of those numbers: does the store write them?",
        ),
        Misconception(
            "stand-in taken for a plain error",
            {"E": "plain"},
            "E changes what a load returns outside of the mask. In the plain test, how many elements are outside?",
        ),
        Misconception(
            "unmasked load taken for visible",
            {"F": "odd size"},
            "F reads outside, but does it store what it reads there? A test of values sees what is stored. (A memory "
            "checker, or a GPU at the end of its memory, sees more.)",
        ),
        Misconception(
            "unmasked load taken for a plain error",
            {"F": "plain"},
            "F reads without a mask. In the plain test, all of the block is inside: what changes?",
        ),
    ],
    hints=[
        "Take each test in order, put its sizes into the changed line, and ask whether anything that is *stored* is "
        "another number, or in another place.",
        "Run them: copy the chapter's kernel, change the line, and compare with the three lines of PyTorch.",
        "Two of the six pass all four tests.",
    ],
    explanation="E is right, only unusual. F is wrong, and no comparison of results can tell: reading outside ends "
    "in a crash one day, when nothing lies behind the tensor. For that there are memory checkers, such as NVIDIA's "
    "compute-sanitizer.",
)
