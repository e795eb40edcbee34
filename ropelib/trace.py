"""Record what every line of a function does to its values.

record(function, *args, **kwargs) runs the function once and copies what each statement changed, in the function
itself and in every function of the reader's own that it calls: those of the same notebook or module.
ropelib.widgets.trace shows the recording; %load_ext ropelib.trace adds the cell magic %%trace.
"""

import ast
import functools
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FunctionType, MethodType
from typing import Any

from ropelib.tracing.steps import Recording
from ropelib.tracing.tracer import Tracer


def record(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Recording:
    """Run function(*args, **kwargs) once and record it. An exception ends the recording and is kept in it.

    At most 200 000 steps or 30 seconds are recorded; after that the function runs on to its end at its own speed.

    Raises ValueError where the function is not written in Python, or its source cannot be found.
    """
    root = _python_function(function)
    tracer = Tracer([root.__globals__], root.__code__)
    if tracer.section(root.__code__) is None:
        raise ValueError(f"a traced function must have its source at hand, but {root.__qualname__} has not")
    return tracer.run(functools.partial(function, *args, **kwargs))


def record_cell(text: str, file: str, namespace: dict[str, Any], also: Sequence[dict[str, Any]] = ()) -> Recording:
    """Run the text of a cell in namespace and record it; its result is the value of an expression in its last line.

    file: the name under which linecache has the text
    also: the globals of modules whose functions are to be recorded as well
    """
    statements = ast.parse(text, file).body
    # Compiled like what is typed at a prompt, every expression on a line of its own hands its value over.
    code = compile(ast.Interactive(statements), file, "single")
    values: deque[Any] = deque(maxlen=1)

    def work() -> Any:
        with _displaying(values.append):
            exec(code, namespace)
        return values[-1] if statements and isinstance(statements[-1], ast.Expr) else None

    return Tracer([namespace, *also], code).run(work)


def load_ipython_extension(shell: Any) -> None:
    """%load_ext ropelib.trace"""
    from ropelib.widgets.trace import register

    register(shell)


@contextmanager
def _displaying(take: Callable[[Any], None]) -> Iterator[None]:
    before, sys.displayhook = sys.displayhook, take
    try:
        yield
    finally:
        sys.displayhook = before


def _python_function(function: Callable[..., Any]) -> FunctionType:
    """The function behind methods, partials, decorators, classes and callable objects; a PyTorch module's forward."""
    if isinstance(function, functools.partial):
        return _python_function(function.func)
    if hasattr(function, "__wrapped__"):
        return _python_function(function.__wrapped__)
    if isinstance(function, MethodType):
        return _python_function(function.__func__)
    if isinstance(function, type):
        return _python_function(function.__init__)
    if isinstance(function, FunctionType):
        return function
    for name in ("forward", "__call__"):
        method = getattr(type(function), name, None)
        if isinstance(method, FunctionType):
            return _python_function(method)
    raise ValueError(f"a traced function must be written in Python, but got {function!r}")
