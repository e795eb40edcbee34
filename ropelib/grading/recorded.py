"""Questions for a release to students: what their programs give on the public cases, without the programs.

Such a question checks, recognises and hints as the original does. What it cannot do is show the solution.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from ropelib.checks.core import PUBLIC_SEED, Misconception, Question
from ropelib.checks.observe import Case, copied, plain
from ropelib.checks.result import Note
from ropelib.grading.inside.codec import Unpacker, pack

PLAIN_FIELDS = ("name", "title", "objective", "difficulty", "minutes", "points", "tolerance", "explanation")


@dataclass
class RecordedQuestion(Question):
    """A question whose programs are tables of results.

    chapter: its module, such as ch01
    """

    chapter: str = ""

    def _chapter(self) -> str:
        return self.chapter

    def solution(self, confirm: bool = False) -> Note:
        return Note(f"{self.title}: the solution is not in this release", "Your instructor has it.")


@dataclass(frozen=True, repr=False)
class Table:
    """A program, known only by what it gave: digest of the inputs → result. Raises ValueError for other inputs."""

    results: Mapping[str, Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        digest = _digest(args, kwargs)
        if digest not in self.results:
            raise ValueError("nothing is recorded for these inputs")
        return copied(self.results[digest])


def record(question: Question) -> str:
    """A question as text that load understands: not secret, but nothing to read by accident either."""
    cases = question.cases(PUBLIC_SEED)
    facts = {name: getattr(question, name) for name in PLAIN_FIELDS}
    facts["hints"], facts["answered_by"] = list(question.hints), list(question.closed)
    facts["options"], facts["chapter"] = list(question.options), question._chapter()
    facts["cases"] = [{field.name: _plain_case(case, field.name) for field in fields(case)} for case in cases]
    facts["reference"] = _results(question.reference, cases)
    facts["misconceptions"] = [_recorded(misconception, cases) for misconception in question.misconceptions]
    blobs: list[bytes] = []
    packed = json.dumps(pack(facts, blobs)).encode()
    content = len(packed).to_bytes(8) + packed + b"".join(blobs)
    return base64.b85encode(zlib.compress(content, 9)).decode()


def load(text: str) -> RecordedQuestion:
    """The question that record wrote."""
    content = zlib.decompress(base64.b85decode(text))
    end = 8 + int.from_bytes(content[:8])
    facts = Unpacker(content[end:], inputs=True).unpack(json.loads(content[8:end]))
    cases = [Case(**case) for case in facts.pop("cases")]
    facts["reference"] = Table(facts["reference"])
    facts["misconceptions"] = [
        Misconception(name, Table(wrong) if is_program else wrong, message)
        for name, is_program, wrong, message in facts["misconceptions"]
    ]
    return RecordedQuestion(cases=lambda seed: cases, **facts)


def _recorded(misconception: Misconception, cases: list[Case]) -> list[Any]:
    wrong, is_program = misconception.wrong, callable(misconception.wrong)
    shown = _results(wrong, cases) if is_program else plain(wrong)[0]
    return [misconception.name, is_program, shown, misconception.message]


def _results(program: Any, cases: list[Case]) -> dict[str, Any]:
    """What a program gives on each case; nothing where it raises."""
    results = {}
    for case in cases:
        args, kwargs = copied(case.args), copied(dict(case.kwargs))
        digest = _digest(args, kwargs)
        try:
            with np.errstate(all="ignore"):
                results[digest] = plain(program(*args, **kwargs))[0]
        except (ArithmeticError, LookupError, TypeError, ValueError):
            continue
    return results


def _plain_case(case: Case, name: str) -> Any:
    value = getattr(case, name)
    return dict(value) if isinstance(value, Mapping) else value


def _digest(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    blobs: list[bytes] = []
    packed = json.dumps(pack([tuple(args), kwargs], blobs)).encode()
    return hashlib.sha256(packed + b"".join(blobs)).hexdigest()[:16]
