"""What a verdict says where no entry of the bank speaks: about form, side effects, stubs and errors."""

from typing import TYPE_CHECKING, Any

import numpy as np

from ropelib.checks.observe import MISSING, Case, Observed
from ropelib.checks.result import shown

if TYPE_CHECKING:
    from ropelib.checks.core import Question

CHANGES_INPUT = "changes its input"
CHANGES_AND_IS_RIGHT = (
    "The numbers are right, but the array that came in has been changed. Whoever calls this will use that array "
    "again. Which line writes into it?"
)
CHANGES_AND_IS_WRONG = (
    "The array that came in has been changed, and not every number is right. Which line writes into it? Make a new "
    "array for the results: one that came in may be of integers, and its old numbers are needed until the end."
)
BESIDES = "Besides, the array that came in has been changed. Which line writes into it?"
SHARES_INPUT = "shares memory with its input"
SHARES_AND_IS_RIGHT = (
    "The numbers are right, but the result is the input's own memory: writing into one changes the other. "
    "Return a new array."
)
SHARES_AND_IS_WRONG = (
    "The result is the input's own memory, and not every number is right. Make a new array for the results."
)
GIVES_BACK = "gives back its input"
GIVES_BACK_UNCHANGED = (
    "What comes back is an array that came in, with the numbers it had. Is the result of your work returned, or what "
    "you started from?"
)
FORGOTTEN = "gives nothing for some inputs"
GIVES_NONE = "Right for other inputs, but this call gives None. Which branch ends without a return?"
CLOSED = "uses what is closed"
NO_SUCH_WORD = "not one of the words"
SOMETIMES = "Right for some inputs, wrong for others. Work this one out by hand, step by step."
ONLY_SOMETIMES = "Right for some inputs. For the others: "
UNKNOWN = "No known mistake gives this. Work it out by hand, step by step."
NO_NAME = "Not the right value, and no known mistake leads to it. .hint() gives a first hint."
TOO_SLOW = "It did not end in time. Is there a loop that cannot end?"


def call(question: "Question", case: Case) -> str:
    """The call of a case, as a learner could type it; for a value, its name."""
    if not case.calls:
        return question.name + (f"[{case.entry!r}]" if case.entry else "")
    arguments = [*map(_typed, case.args), *(f"{name}={_typed(value)}" for name, value in case.kwargs.items())]
    return f"{question.name}({', '.join(arguments)})"


def _typed(value: Any) -> str:
    return f"np.array({shown(value)})" if isinstance(value, np.ndarray) else shown(value)


def about_a_stub(question: "Question", case: Case, observed: Observed) -> str:
    """What to do about an answer that is not there yet."""
    if observed.kind.startswith(MISSING):
        keys = observed.kind.removeprefix(MISSING).strip()
        return f"{question.name} has no {case.entry!r} any more. Its keys are {keys}: keep those that were given."
    if case.entry or not case.calls:
        return f"{call(question, case)} is still empty. Fill it in, run that cell, then this one."
    if observed.kind == "None":
        return f"{question.name} gives None. If you have written it: is there a return?"
    return f"Write your answer into the cell of {question.name}, run that cell, then this one."


def about_an_error(observed: Observed, *, with_type: bool = True) -> str:
    """An exception with the learner's own line."""
    where = f"\nin line {observed.error_line}: {observed.error_source}" if observed.error_source else ""
    message = f"{observed.error_type}: {observed.error_message}" if with_type else _sentence(observed.error_message)
    return message + where


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
