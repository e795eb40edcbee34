"""From what was observed to what is said: the reference decides, the bank of misconceptions names the mistake.

This is the trusted side. It runs the reference and the wrong programs of the bank, never a learner's code.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ropelib.checks.compare import agree, difference, fault
from ropelib.checks.observe import Case, Observed, copied, plain
from ropelib.checks.result import Example, Result, shown

if TYPE_CHECKING:
    from ropelib.checks.core import Misconception, Question

CHANGES_INPUT = (
    "changes its input",
    "The numbers are right, but the array that came in has been changed. Whoever calls this will use that array "
    "again. Which line writes into it?",
)
SHARES_INPUT = (
    "shares memory with its input",
    "The numbers are right, but the result is the input's own memory: writing into one changes the other. "
    "Return a new array.",
)
SOMETIMES = "Right for some inputs, wrong for others. Compute this one by hand, and compare."
UNKNOWN = "No known mistake gives these numbers. Compute this one by hand, and compare."
NO_NAME = "Not the right value, and no known mistake leads to it. .hint() gives a first hint."
TOO_SLOW = "It did not end in time. Is there a loop that cannot end?"


def judge(question: "Question", case: Case, observed: Observed) -> Result:
    """The verdict on one case → a Result whose fraction is 0 or 1."""
    if not observed.attempted:
        return _result(question, "not attempted", _about_a_stub(question, case, observed))
    if observed.timed_out or observed.error_type:
        message = TOO_SLOW if observed.timed_out else _about_an_error(observed)
        return _result(question, "raised", message, example=Example(_call(question, case), "", ""))
    expected = _expected(question, case)
    if agree(expected, observed.value, question.tolerance):
        return _aside(question, case, observed) or _result(question, "correct", fraction=1.0)
    example = _example(question, case, expected, observed)
    for misconception in question.misconceptions:
        if _explains(question, misconception, case, observed):
            return _named(question, misconception.name, misconception.message, example)
    if general := fault(expected, observed.value, observed.kind):
        return _named(question, *general, example)
    return _result(question, "wrong", UNKNOWN if case.calls else NO_NAME, example=example)


def judge_all(question: "Question", cases: Sequence[Case], observations: Sequence[Observed]) -> Result:
    """The verdict on all cases, with the fraction of the points that they earn."""
    if len(observations) != len(cases):
        raise ValueError(f"observations must be one a case, {len(cases)}, but got {len(observations)}")
    results = [judge(question, case, seen) for case, seen in zip(cases, observations, strict=True)]
    failed = [index for index, result in enumerate(results) if result.outcome != "correct"]
    if not failed:
        return _result(question, "correct", question.explanation, 1.0)
    fraction = _fraction(cases, failed)
    wrong = [index for index in failed if results[index].outcome.startswith("wrong")]
    if wrong:
        return _diagnosis(question, cases, observations, results, wrong, fraction)
    raised = [index for index in failed if results[index].outcome == "raised"]
    first = results[raised[0]] if raised else results[failed[0]]
    return _result(question, first.outcome, first.message, fraction, example=first.example)


def _diagnosis(
    question: "Question",
    cases: Sequence[Case],
    observations: Sequence[Observed],
    results: Sequence[Result],
    wrong: Sequence[int],
    fraction: float,
) -> Result:
    """The mistake behind all cases: first one that explains right and wrong values alike, then the wrong ones."""
    example = results[wrong[0]].example
    finished = [i for i, seen in enumerate(observations) if seen.attempted and not (seen.error_type or seen.timed_out)]
    # The entries of a dict are answers of their own: the first wrong one may have a mistake to itself.
    alone = [wrong[:1]] if cases[wrong[0]].entry else []
    for indices in (finished, wrong, *alone):
        for misconception in question.misconceptions:
            if all(_explains(question, misconception, cases[i], observations[i]) for i in indices):
                return _named(question, misconception.name, misconception.message, example, fraction)
    bank = {misconception.name for misconception in question.misconceptions}
    first = results[wrong[0]]
    if first.misconception and {results[i].misconception for i in wrong} == {first.misconception} - bank:
        return _named(question, first.misconception, first.message, example, fraction)
    # A name that fits only some of the wrong cases is a coincidence there, not a diagnosis.
    unknown = UNKNOWN if cases[0].calls else NO_NAME
    return _result(question, "wrong", unknown if len(wrong) == len(finished) else SOMETIMES, fraction, example=example)


def _explains(question: "Question", misconception: "Misconception", case: Case, observed: Observed) -> bool:
    wrong = misconception.wrong
    if callable(wrong):
        try:
            with np.errstate(all="ignore"):
                wrong = wrong(*copied(case.args), **copied(dict(case.kwargs)))
        except (ArithmeticError, LookupError, TypeError, ValueError):
            return False
    if case.entry:
        wrong = wrong[case.entry] if case.entry in wrong else _expected(question, case)
    return agree(plain(wrong)[0], observed.value, question.tolerance)


def _expected(question: "Question", case: Case) -> Any:
    expected = question.reference(*copied(case.args), **copied(dict(case.kwargs)))
    return plain(expected[case.entry] if case.entry else expected)[0]


def _aside(question: "Question", case: Case, observed: Observed) -> Result | None:
    """Right numbers with a side effect."""
    if not (observed.inputs_modified or observed.aliases_input):
        return None
    name, message = CHANGES_INPUT if observed.inputs_modified else SHARES_INPUT
    return _named(question, name, message, Example(_call(question, case), "", ""))


def _example(question: "Question", case: Case, expected: Any, observed: Observed) -> Example:
    got = observed.kind if observed.value is None else shown(observed.value)
    if not case.calls:
        return Example(_call(question, case), "", got)
    return Example(_call(question, case), shown(expected), got, difference(expected, observed.value))


def _call(question: "Question", case: Case) -> str:
    if not case.calls:
        return question.name + (f"[{case.entry!r}]" if case.entry else "")
    arguments = [*map(_typed, case.args), *(f"{name}={_typed(value)}" for name, value in case.kwargs.items())]
    return f"{question.name}({', '.join(arguments)})"


def _typed(value: Any) -> str:
    return f"np.array({shown(value)})" if isinstance(value, np.ndarray) else shown(value)


def _about_a_stub(question: "Question", case: Case, observed: Observed) -> str:
    if case.entry:
        return f"{_call(question, case)} is still empty. Fill it in, run that cell, then this one."
    if observed.kind == "None":
        return f"{question.name} gives None. If you have written it: is there a return?"
    return f"Write your answer into the cell of {question.name}, run that cell, then this one."


def _about_an_error(observed: Observed) -> str:
    where = f"\nin line {observed.error_line}: {observed.error_source}" if observed.error_source else ""
    return f"{observed.error_type}: {observed.error_message}{where}"


def _fraction(cases: Sequence[Case], failed: Sequence[int]) -> float:
    """The weight of the right cases. Whoever fails any case loses at least as much as the lightest one weighs."""
    total = sum(case.weight for case in cases)
    lightest = min(case.weight for case in cases if case.weight)
    lost = sum(cases[index].weight for index in failed)
    return (total - max(lost, lightest)) / total


def _named(question: "Question", name: str, message: str, example: Example | None, fraction: float = 0.0) -> Result:
    return _result(question, "wrong, recognised", message, fraction, name, example)


def _result(
    question: "Question",
    outcome: str,
    message: str = "",
    fraction: float = 0.0,
    misconception: str = "",
    example: Example | None = None,
) -> Result:
    return Result(outcome, message, fraction, misconception, example, question.title)
