"""Questions whose answer is a Triton kernel: shown as Triton, decided in NumPy, and wrong in Triton again."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ropelib.checks.core import Question
from ropelib.checks.observe import copied


@dataclass
class KernelQuestion(Question):
    """A question for a kernel, which a function with the question's name launches.

    kernel: the source of a right kernel. The reference says the same in NumPy, and decides
    """

    kernel: str = ""

    def _as_typed(self) -> str:
        return self.kernel.strip()


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
