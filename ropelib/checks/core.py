"""What a learner meets: a question that can be checked, gives hints, and shows its solution after an attempt."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from ropelib.checks import verdict
from ropelib.checks.observe import Case, Observed, observe
from ropelib.checks.result import Note, Result

PUBLIC_SEED = 0
ROOMS = ("ropelib.reference", "ropelib.worked_example", "transformers", "rotary_embedding_torch")
INTERRUPTED = "Interrupted: it had not come to an end. Is there a loop that cannot end?"
NOTHING = object()


@dataclass(frozen=True)
class Misconception:
    """A known way to be wrong.

    name:    of the mistake, for an instructor's report
    wrong:   a program that makes it, called as the reference is; or the value it leads to. Where the answer is a
             dict, the entries that it spoils
    message: names the mistake to the learner and asks the question that leads out of it
    """

    name: str
    wrong: Any
    message: str


@dataclass(repr=False)
class Question:
    """One exercise, with the answers that are known to be wrong.

    name:           of the learner's answer in the notebook: a function, or a value where the cases call nothing
    title:          a few words
    objective:      what the learner can do afterwards
    difficulty:     in words
    minutes:        that it takes
    points:         that it gives
    reference:      the right program; where the answer is a value, it takes nothing and returns that
    cases:          seed → the inputs, smallest first; seed 0 is public, a grader uses another
    misconceptions: the bank; of two that explain an answer equally well, the first is named
    hints:          from a nudge to all but the answer
    answered_by:    modules that answer the question, closed where the answer is a function; a value is computed with
                    whatever helps
    tolerance:      relative, where an answer may be rounded; from the dtype where None
    explanation:    what to say once it is right
    options:        the words to choose from, where an answer is one; where none, all that the reference and the bank
                    give
    sequence:       where an array with one axis is asked for, a list or tuple of its numbers will do, and whole numbers
                    may be floats; else its kind and dtype belong to the answer
    """

    name: str
    title: str
    objective: str
    difficulty: Literal["warm-up", "moderate", "demanding"]
    minutes: int
    points: int
    reference: Callable[..., Any]
    cases: Callable[[int], list[Case]]
    misconceptions: Sequence[Misconception]
    hints: Sequence[str]
    answered_by: Sequence[str] = ROOMS
    tolerance: float | None = None
    explanation: str = ""
    options: Sequence[str] = ()
    sequence: bool = False
    _hints_given: int = field(default=0, init=False, repr=False)
    _attempted: bool = field(default=False, init=False, repr=False)

    observe: ClassVar = staticmethod(observe)

    def __init_subclass__(cls) -> None:
        # A dataclass would write its own, with all the answers in it.
        cls.__repr__ = Question.__repr__

    def __repr__(self) -> str:
        return f"{self.title} ({self.points} points): {self._call()}"

    @property
    def calls(self) -> bool:
        """Whether the answer is a function, not a value."""
        return self.cases(PUBLIC_SEED)[0].calls

    @property
    def closed(self) -> tuple[str, ...]:
        """The modules that an answer must not use, here and where it is graded: none for a value."""
        return tuple(self.answered_by) if self.calls else ()

    def check(self, answer: Any = NOTHING) -> Result:
        """Judge an answer on the public cases."""
        if answer is NOTHING:
            return Result("not attempted", f"Put your answer between the brackets: {self._call()}", title=self.title)
        try:
            observations = [observe(answer, case, self.closed) for case in self.cases(PUBLIC_SEED)]
        except KeyboardInterrupt:
            return Result("raised", INTERRUPTED, title=self.title)
        result = self.judge_all(observations)
        self._attempted |= result.outcome != "not attempted"
        return result

    def score(self, answer: Any = NOTHING) -> float:
        """The points of an answer on the public cases: what a grade cell of nbgrader ends with."""
        return round(self.points * self.check(answer).fraction, 2)

    def hint(self, n: int | None = None) -> Note:
        """The next hint, or the n-th.

        n: counted from 1
        """
        if n is not None and n not in range(1, len(self.hints) + 1):
            return Note(f"{self.title}: no such hint", f"n must be 1 to {len(self.hints)}, but got {n}.")
        if n is None:
            n = self._hints_given = min(self._hints_given + 1, len(self.hints))
        more = "the last" if n == len(self.hints) else "call .hint() again for the next"
        return Note(f"{self.title}: hint {n} of {len(self.hints)}, {more}", self.hints[n - 1])

    def solution(self, confirm: bool = False) -> Note:
        """One right answer, after an attempt or with confirm=True."""
        if not (self._attempted or confirm):
            return Note(
                f"{self.title}: the solution stays closed",
                f"{self.name} has not been checked with an answer in it. There are {len(self.hints)} hints: .hint().\n"
                "To read the solution all the same, call .solution(confirm=True).",
            )
        return Note(f"{self.title}: one solution", "\n\n".join(filter(None, [self._as_typed(), self.explanation])))

    def _as_typed(self) -> str:
        """The reference as a learner would type it: without type hints, and a value without a function round it."""
        source = textwrap.dedent(inspect.getsource(self.reference))
        body, lines = ast.parse(source).body[0].body, source.splitlines()
        start, end = body[0].lineno - 1, body[-1].lineno - 1
        if self.calls:
            parameters = ", ".join(inspect.signature(self.reference).parameters)
            return "\n".join([f"def {self.name}({parameters}):", *lines[start:]])
        lines[end] = lines[end].replace("return ", f"{self.name} = ", 1)
        return textwrap.dedent("\n".join(lines[start:]))

    def _call(self) -> str:
        return f"{self._chapter()}.{self.name}.check({self.name})"

    def _chapter(self) -> str:
        """The name of the module that the learner imported, such as ch01."""
        found = re.search(r"\bch\d\d\b", self.reference.__module__)
        return found[0] if found else "…"

    def judge(self, case: Case, observed: Observed) -> Result:
        """The verdict on one case. Runs the reference and the bank, never a learner's code."""
        return verdict.judge(self, case, observed)

    def judge_all(self, observations: Sequence[Observed], seed: int = PUBLIC_SEED) -> Result:
        """The verdict on all cases of seed, with the fraction of the points they earn.

        observations: one a case, in the order of cases(seed)

        Raises ValueError for another number of observations.
        """
        return verdict.judge_all(self, self.cases(seed), observations)
