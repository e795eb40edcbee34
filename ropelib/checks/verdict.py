"""From what was observed to what is said: the reference decides, the bank of misconceptions names the mistake.

This is the trusted side. It runs the reference and the wrong programs of the bank, never a learner's code.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ropelib.checks.compare import OF_FORM, agree, as_array_of, difference, fault, has_decimals, words
from ropelib.checks.observe import NOT_A_DICT, Case, Observed, RoomIsClosed, copied, plain
from ropelib.checks.result import Example, Result, shown
from ropelib.checks.wording import (
    BESIDES,
    CHANGES_AND_IS_RIGHT,
    CHANGES_AND_IS_WRONG,
    CHANGES_INPUT,
    CLOSED,
    FORGOTTEN,
    GIVES_BACK,
    GIVES_BACK_UNCHANGED,
    GIVES_NONE,
    NO_NAME,
    NO_SUCH_WORD,
    ONLY_SOMETIMES,
    SHARES_AND_IS_RIGHT,
    SHARES_AND_IS_WRONG,
    SHARES_INPUT,
    SOMETIMES,
    TOO_SLOW,
    UNKNOWN,
    about_a_stub,
    about_an_error,
    call,
)

if TYPE_CHECKING:
    from ropelib.checks.core import Misconception, Question


@dataclass(frozen=True)
class Look:
    """What can be said of one case alone.

    expected: of the reference, where the answer gave a value
    is_right: the value, whatever else the call did
    fault:    of a wrong value's form or dtype: name and message
    """

    case: Case
    observed: Observed
    outcome: Literal["correct", "not attempted", "raised", "closed", "wrong"]
    expected: Any = None
    is_right: bool = False
    fault: tuple[str, str] | None = None


def judge(question: "Question", case: Case, observed: Observed) -> Result:
    """The verdict on one case → a Result whose fraction is 0 or 1."""
    return _verdict(question, [_look(question, case, observed)], 0.0)


def judge_all(question: "Question", cases: Sequence[Case], observations: Sequence[Observed]) -> Result:
    """The verdict on all cases, with the fraction of the points that they earn."""
    if len(observations) != len(cases):
        raise ValueError(f"observations must be one a case, {len(cases)}, but got {len(observations)}")
    looks = [_look(question, case, seen) for case, seen in zip(cases, observations, strict=True)]
    return _verdict(question, looks, _fraction(looks))


def _look(question: "Question", case: Case, observed: Observed) -> Look:
    if not observed.attempted:
        return Look(case, observed, "not attempted")
    if observed.timed_out or observed.error_type:
        is_closed = observed.error_type == RoomIsClosed.__name__ and not observed.timed_out
        return Look(case, observed, "closed" if is_closed else "raised")
    expected = _expected(question, case)
    if question.sequence:
        observed = replace(observed, value=as_array_of(expected, observed.value))
    if agree(expected, observed.value, question.tolerance):
        aside = observed.inputs_modified or observed.aliases_input
        return Look(case, observed, "wrong" if aside else "correct", expected, is_right=True)
    found = fault(expected, observed.value, observed.kind, question.tolerance)
    return Look(case, observed, "wrong", expected, fault=found)


def _verdict(question: "Question", looks: Sequence[Look], fraction: float) -> Result:
    by_outcome: dict[str, list[Look]] = {}
    for look in looks:
        by_outcome.setdefault(look.outcome, []).append(look)
    if by_outcome.keys() <= {"correct"}:
        return _result(question, "correct", question.explanation, 1.0)
    if closed := by_outcome.get("closed"):
        message = about_an_error(closed[0].observed, with_type=False)
        return _named(question, CLOSED, message, _called_with(question, closed[0]), fraction)
    if by_outcome.get("wrong"):
        return _diagnosis(question, looks, fraction)
    if raised := by_outcome.get("raised"):
        observed = raised[0].observed
        message = TOO_SLOW if observed.timed_out else about_an_error(observed)
        return _result(question, "raised", message, fraction, example=_called_with(question, raised[0]))
    first = by_outcome["not attempted"][0]
    if "correct" in by_outcome and first.observed.kind == "None" and first.case.calls and not first.case.entry:
        return _named(question, FORGOTTEN, GIVES_NONE, _called_with(question, first), fraction)
    return _result(question, "not attempted", about_a_stub(question, first.case, first.observed), fraction)


def _diagnosis(question: "Question", looks: Sequence[Look], fraction: float) -> Result:
    """The mistake behind wrong cases, from what explains most to what is only true of the first of them."""
    finished = [look for look in looks if look.outcome in ("correct", "wrong")]
    wrong = [look for look in finished if not look.is_right]
    changed = [look for look in finished if look.observed.inputs_modified]
    shared = [look for look in finished if look.observed.aliases_input]
    # The smallest case whose value is wrong; else the first with a side effect.
    example = _example(question, wrong[0]) if wrong else _called_with(question, (changed or shared)[0])

    def named(name: str, message: str, example: Example = example) -> Result:
        return _named(question, name, message, example, fraction)

    if found := _in_the_bank(question, finished, wrong):
        misconception, introduction = found
        besides = f"\n{BESIDES}" if changed else ""
        return named(misconception.name, f"{introduction}{misconception.message}{besides}")
    if wrong and all(_is_an_input(look) for look in finished):
        return named(GIVES_BACK, GIVES_BACK_UNCHANGED)
    for look in wrong:
        if look.fault and look.fault[0] in OF_FORM:
            return named(*look.fault, _example(question, look))
    if changed:
        return named(CHANGES_INPUT, CHANGES_AND_IS_WRONG if wrong else CHANGES_AND_IS_RIGHT)
    for look in wrong:
        if strange := _strange_words(question, looks, look):
            return named(NO_SUCH_WORD, strange, _example(question, look))
    names = {look.fault[0] if look.fault else "" for look in (wrong[:1] if looks[0].case.entry else wrong)}
    if wrong and wrong[0].fault and len(names) == 1:
        return named(*wrong[0].fault)
    if shared:
        return named(SHARES_INPUT, SHARES_AND_IS_WRONG if wrong else SHARES_AND_IS_RIGHT)
    return _result(question, "wrong", _nameless(question, finished, wrong), fraction, example=example)


def _in_the_bank(
    question: "Question", finished: Sequence[Look], wrong: Sequence[Look]
) -> tuple["Misconception", str] | None:
    """The first mistake that explains right and wrong values alike; else the wrong ones, which is then said.

    Wrong values alone convict by their decimals only: a small whole number or a word is hit by other mistakes too.
    """
    if not wrong:
        return None
    spoiled = [look for look in wrong if not _numbers_are_right(question, look)]
    is_dict = bool(wrong[0].case.entry)
    attempts = [(finished, False, "")]
    if is_dict or any(has_decimals(look.observed.value) for look in wrong):
        attempts.append((wrong, False, "" if is_dict else ONLY_SOMETIMES))
    # A mistake is recognised in another dtype too, but a dtype alone makes nothing of a right answer.
    attempts[1:1] = [(finished, True, "")] if spoiled else []
    # The entries of a dict are answers of their own: the first wrong one may have a mistake to itself.
    attempts += [(wrong[:1], False, "")] if is_dict else []
    for looks, any_dtype, introduction in attempts:
        for misconception in question.misconceptions:
            if all(_explains(question, misconception, look, any_dtype) for look in looks):
                return misconception, introduction
    return None


def _numbers_are_right(question: "Question", look: Look) -> bool:
    return agree(look.expected, look.observed.value, question.tolerance, any_dtype=True)


def _is_an_input(look: Look) -> bool:
    given = (plain(value)[0] for value in (*look.case.args, *look.case.kwargs.values()))
    return any(isinstance(value, np.ndarray) and agree(value, look.observed.value) for value in given)


def _strange_words(question: "Question", looks: Iterable[Look], look: Look) -> str:
    """A sentence about a text that is none of those to choose from; empty where there is no such text."""
    if not any(words(look.expected)):
        return ""
    options = list(question.options) or sorted(_known_words(question, looks))
    strange = [word for word in words(look.observed.value) if word not in options]
    return f"This must be one of {', '.join(map(repr, options))}, but it is {strange[0]!r}." if strange else ""


def _known_words(question: "Question", looks: Iterable[Look]) -> set[str]:
    known = set()
    for look in looks:
        outcomes = [_outcome(misconception, look.case) for misconception in question.misconceptions]
        known.update(words([look.expected, *outcomes]))
    return known


def _nameless(question: "Question", finished: Sequence[Look], wrong: Sequence[Look]) -> str:
    if wrong[0].case.calls:
        return UNKNOWN if len(wrong) == len(finished) else SOMETIMES
    right = ", ".join(call(question, look.case) for look in finished if look.is_right)
    return NO_NAME + (f"\nRight already: {right}." if right else "")


def _explains(question: "Question", misconception: "Misconception", look: Look, any_dtype: bool) -> bool:
    wrong = _outcome(misconception, look.case)
    if wrong is None:
        return False
    if look.case.entry:
        wrong = wrong.get(look.case.entry, look.expected)
    wrong = plain(wrong)[0]
    if question.sequence:
        wrong = as_array_of(look.expected, wrong)
    return agree(wrong, look.observed.value, question.tolerance, any_dtype=any_dtype)


def _outcome(misconception: "Misconception", case: Case) -> Any:
    """What a mistake leads to in one case; None where it leads to an error."""
    wrong = misconception.wrong
    if not callable(wrong):
        return wrong
    try:
        with np.errstate(all="ignore"):
            return wrong(*copied(case.args), **copied(dict(case.kwargs)))
    except (ArithmeticError, LookupError, TypeError, ValueError):
        return None


def _expected(question: "Question", case: Case) -> Any:
    expected = question.reference(*copied(case.args), **copied(dict(case.kwargs)))
    return plain(expected[case.entry] if case.entry else expected)[0]


def _example(question: "Question", look: Look) -> Example:
    observed, with_dtype = look.observed, bool(look.fault and look.fault[0] == "wrong dtype")
    got = shown(observed.value, with_dtype=with_dtype)
    if observed.value is None:
        got = observed.kind.removeprefix(NOT_A_DICT)
    typed = call(question, look.case)
    if not look.case.calls:
        return Example(typed, "", got)
    largest = None if with_dtype else difference(look.expected, observed.value)
    return Example(typed, shown(look.expected, with_dtype=with_dtype), got, largest)


def _called_with(question: "Question", look: Look) -> Example:
    return Example(call(question, look.case), "", "")


def _fraction(looks: Sequence[Look]) -> float:
    """The weight of the right cases. Whoever fails any case loses at least as much as the lightest one weighs."""
    failed = [look for look in looks if look.outcome != "correct"]
    if not failed:
        return 1.0
    total = sum(look.case.weight for look in looks)
    lightest = min(look.case.weight for look in looks if look.case.weight)
    lost = sum(look.case.weight for look in failed)
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
