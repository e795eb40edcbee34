"""The steps of a trace: numbered in the order of time, and of a long one the first and the last kept."""

from collections import Counter, defaultdict, deque
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from ropelib.tracing.names import Change
from ropelib.tracing.statements import Source, Statement

FIRST_VISITS, LAST_VISITS = 40, 10
Place = tuple[str, int]


@dataclass(eq=False)
class Step:
    """One run of one statement. call, depth: which call it belongs to, and how deep that one is.

    number: when it was done, counted over all steps; so a line that calls comes after the lines that it called
    visit:  which run of this statement, in the same order
    caller: the place of the statement that called
    """

    file: str
    statement: Statement
    call: int
    function: str
    depth: int
    caller: Place | None
    number: int = 0
    visit: int = 0
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def place(self) -> Place:
        return self.file, self.statement.start


@dataclass(frozen=True)
class Recording:
    """steps:    in order of time; of every statement at most the first 40 visits and the last 10
    sections: (file, first line, last line, title) of each function, in the order of their first calls
    visits:   how often each statement ran, by (file, first line)
    is_whole: False where the function ran on after the recording had ended
    result, exception: what the function returned, or raised
    """

    steps: list[Step]
    sections: list[tuple[str, int, int, str]]
    sources: dict[str, Source]
    visits: Counter
    calls: int
    is_whole: bool
    result: Any
    exception: Exception | None

    @property
    def total(self) -> int:
        """How many steps there were, those that are not kept included."""
        return sum(self.visits.values())


class Kept:
    """Takes each step when it is done; a yield is done when it hands over, and tells later what it was sent."""

    def __init__(self) -> None:
        self.visits: Counter = Counter()
        self.total = 0
        self._first: list[Step] = []
        self._last: defaultdict[Place, deque[Step]] = defaultdict(lambda: deque(maxlen=LAST_VISITS))

    def take(self, step: Step) -> None:
        if step.number:
            return
        self.total += 1
        self.visits[step.place] += 1
        step.number, step.visit = self.total, self.visits[step.place]
        (self._first if step.visit <= FIRST_VISITS else self._last[step.place]).append(step)

    def steps(self) -> list[Step]:
        last = (step for steps in self._last.values() for step in steps)
        return sorted([*self._first, *last], key=attrgetter("number"))
