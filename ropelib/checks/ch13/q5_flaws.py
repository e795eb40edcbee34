"""What is wrong with five reports of a benchmark."""

from ropelib.checks.ch13.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case


def flaws() -> dict[str, str]:
    return {"A": "stopwatch", "B": "cache", "C": "first call", "D": "none", "E": "other work"}


QUESTION = Question(
    name="flaws",
    title="Five reports",
    objective="tell from the numbers of a report whether to believe it",
    difficulty="moderate",
    minutes=10,
    points=3,
    reference=flaws,
    cases=lambda seed: [Case(f"report {name}", calls=False, entry=name) for name in "ABCDE"],
    answered_by=ANSWERED_BY,
    options=("stopwatch", "cache", "first call", "other work", "none"),
    misconceptions=[
        Misconception(
            "the cache blamed for a stopwatch",
            {"A": "cache"},
            "A reports the same time for 40 MB and for 640 MB. Data from a cache would still take longer if there is "
            "sixteen times as much of it. What does not depend on the size at all?",
        ),
        Misconception(
            "a stopwatch believed",
            {"A": "none"},
            "640 MB in 24 µs are 27 TB a second, on a memory of 3. What was over after 24 µs?",
        ),
        Misconception(
            "compilation blamed for a stopwatch",
            {"A": "first call"},
            "A first call makes times longer. Those of A are impossibly short.",
        ),
        Misconception(
            "the stopwatch blamed for a cache",
            {"B": "stopwatch"},
            "B takes its times on the GPU, with nothing of Python between. But 24 MB in 4800 ns are 5 TB a second: "
            "from where can bytes come so fast?",
        ),
        Misconception(
            "a cache believed",
            {"B": "none"},
            "24 MB in 4800 ns are 5 TB a second, and the memory has 3. The same 24 MB are used again and again: where "
            "are they after the first time?",
        ),
        Misconception(
            "the mean believed",
            {"C": "none"},
            "Ten calls of 4050 µs on average, and the smallest was 50 µs. What would nine calls of 50 µs leave for "
            "the tenth?",
        ),
        Misconception(
            "the mean taken for other work",
            {"C": "other work"},
            "C calls one kernel with one size ten times. Which of ten equal calls differs from the others?",
        ),
        Misconception(
            "fast means wrong",
            {"D": "cache"},
            "400 MB in 140 µs are 2.9 TB a second, a little below what the memory can do, and no cache holds 400 MB. "
            "Which rule of the recipe does D break?",
        ),
        Misconception(
            "D not waited for",
            {"D": "stopwatch"},
            "D takes its times on the GPU itself. A stopwatch in Python is not involved.",
        ),
        Misconception(
            "in place not noticed",
            {"E": "none"},
            "E times two programs on the same tensors. Look at what each leaves behind: how many bytes does a program "
            "write that skips half of every head?",
        ),
        Misconception(
            "half the bytes taken for a cache",
            {"E": "cache"},
            "The buffers of E are ten times the cache, and both programs go through them. Do both move the same bytes?",
        ),
        Misconception(
            "half the bytes taken for a first call",
            {"E": "first call"},
            "E warms up and takes medians. What do the two programs move, each of them?",
        ),
    ],
    hints=[
        "Divide bytes by time, for every report, and compare with 3 TB a second.",
        "What is too short cannot have been waited for, or does not come from memory. The one grows with the size.",
        "A mean far above the smallest value has one large value in it. And of two programs, ask whether they do the "
        "same.",
    ],
    explanation="The bytes divided by the time are the best lie detector there is: more than the memory can move is "
    "never a fast kernel.",
)
