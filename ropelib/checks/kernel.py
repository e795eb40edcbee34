"""Questions whose answer is a Triton kernel: shown as Triton, decided in NumPy, and wrong in Triton again."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ropelib.checks.compare import agree
from ropelib.checks.core import PUBLIC_SEED, Question
from ropelib.checks.observe import Case, Observed, copied
from ropelib.checks.result import Result

ONLY_STRAYED = "right values, and memory overwritten"


@dataclass
class KernelQuestion(Question):
    """A question for a kernel, which a function with the question's name launches.

    kernel: the source of a right kernel. The reference says the same in NumPy, and decides

    The answer is a tuple, of which the last value counts the elements that were overwritten outside of all tensors.
    """

    kernel: str = ""

    def _as_typed(self) -> str:
        return self.kernel.strip()

    def judge_all(self, observations: Sequence[Observed], seed: int = PUBLIC_SEED) -> Result:
        """The verdict on all cases. Where nothing but the count is wrong, and no mistake known, it says so."""
        result = super().judge_all(observations, seed)
        if result.outcome != "wrong":
            return result
        strayed = [self._strayed(case, seen) for case, seen in zip(self.cases(seed), observations, strict=True)]
        if None in strayed or not any(strayed):
            return result
        count = next(filter(None, strayed))
        example = replace(result.example, expected="", got="", difference=None) if result.example else None
        return replace(
            result,
            outcome="wrong, recognised",
            message=f"All values are right, but {count} elements outside of the tensors were overwritten: which store "
            "has no mask, or one that lets too many in?",
            misconception=ONLY_STRAYED,
            example=example,
        )

    def _strayed(self, case: Case, observed: Observed) -> int | None:
        """How many elements were overwritten outside, where everything else is right; else None."""
        expected, value = self.reference(*copied(case.args)), observed.value
        if observed.error_type or not isinstance(value, tuple) or len(value) != len(expected):
            return None
        return value[-1] if agree(expected[:-1], value[:-1], self.tolerance) else None


@functools.cache
def compiled(source: str) -> Callable[..., None]:
    """The kernel of a source that begins with @triton.jit, for ropelib.launch.

    Raises LookupError without Triton: then a wrong kernel explains no answer.
    """
    try:
        import triton.language
    except ModuleNotFoundError as error:
        raise LookupError("there is no Triton here: it exists for Linux on x86-64 only") from error

    namespace: dict[str, Any] = {"tl": triton.language}
    exec(source.strip().removeprefix("@triton.jit\n"), namespace)
    return next(value for name, value in namespace.items() if name.endswith("_kernel"))


def remembered(program: Callable[..., Any]) -> Callable[..., Any]:
    """program, which runs once for the same arguments: interpreted kernels are slow, and the bank is asked often."""
    known: dict[tuple[Any, ...], Any] = {}

    def remembering(*arguments: Any) -> Any:
        key = tuple(_key(argument) for argument in arguments)
        if key not in known:
            known[key] = program(*arguments)
        return copied(known[key])

    return remembering


def _key(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.dtype.str, argument.shape, argument.tobytes()
    return argument


def changed(source: str, *changes: tuple[str, str]) -> str:
    """source with every old text of changes replaced by its new one. Raises ValueError for one that is not there."""
    for old, new in changes:
        if old not in source:
            raise ValueError(f"a change must begin with a text of the kernel, but {old!r} is none")
        source = source.replace(old, new)
    return source
