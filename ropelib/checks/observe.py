"""Run a learner's answer on one case and write down what happened, as plain data.

This is the side that touches untrusted code: it knows inputs and holds no answers, and it imports nothing of
ropelib, so that it can be copied into a sandbox alone. Judging what was written down happens elsewhere.
"""

import contextlib
import linecache
import sys
import sysconfig
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

LONGEST = 10_000
DEEPEST = 4
LONGEST_MESSAGE = 500
NUMBERS = "biufc"
NOT_A_DICT = "not a dict: "
MISSING = "no such key among"


class RoomIsClosed(Exception):
    """An answer called what answers the question ready-made.

    name: of what was called, dotted
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"you called {name}, which is closed here: this question asks you to write it")


@dataclass(frozen=True)
class Case:
    """One set of inputs, as plain data: NumPy arrays, numbers, strings, and lists, tuples or dicts of them.

    label:  what this case is about, in a learner's words
    args, kwargs: what the answer is called with
    weight: the share of the points that rests on this case, against the others; 0 for a case that only diagnoses
    calls:  False where the answer is a value and not a function
    entry:  the key of the entry that is judged, where that value is a dict
    """

    label: str
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    weight: float = 1.0
    calls: bool = True
    entry: str = ""


@dataclass(frozen=True)
class Observed:
    """What one case made of an answer.

    value:           what came back: NumPy arrays, numbers, strings, and lists, tuples or dicts of them
    kind:            what it was, in words: "array float64", "tensor bfloat16", "number", "tuple", "a function" ...
    attempted:       False for a stub: it gave ..., None or NotImplemented, or raised NotImplementedError
    inputs_modified: which inputs the call changed, by index or name
    aliases_input:   the result shares memory with an input: changing one would change the other
    error_type, error_message, error_line, error_source: of an exception, the last two in the learner's own code
    timed_out:       the call was ended; only a sandbox does that
    """

    value: Any = None
    kind: str = ""
    attempted: bool = True
    inputs_modified: tuple[str, ...] = ()
    aliases_input: bool = False
    error_type: str = ""
    error_message: str = ""
    error_line: int = 0
    error_source: str = ""
    timed_out: bool = False


def observe(answer: Any, case: Case, closed: Sequence[str] = ()) -> Observed:
    """Call answer on copies of the inputs of case (or take it as it is, where the case calls nothing).

    closed: dotted names of modules that the call must not use; whatever it calls there raises RoomIsClosed
    """
    if not case.calls:
        return _entry(answer, case.entry) if case.entry else _written_down(answer, {})
    if _is_placeholder(answer):
        return Observed(kind=_word_for(answer), attempted=False)
    if not callable(answer):
        return Observed(kind=f"not a function: {_word_for(answer)}")
    args, kwargs = copied(case.args), copied(dict(case.kwargs))
    given = {**{str(index): value for index, value in enumerate(args)}, **kwargs}
    before = copied(given)
    try:
        with _closed(closed):
            returned = answer(*args, **kwargs)
    except NotImplementedError:
        return Observed(kind="NotImplementedError", attempted=False)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: one answer must not end the learner's kernel
        return _raised(error)
    seen = _written_down(returned, given)
    changed = tuple(name for name in given if not _identical(before[name], given[name]))
    return Observed(seen.value, seen.kind, seen.attempted, changed, seen.aliases_input)


@contextlib.contextmanager
def _closed(rooms: Sequence[str]) -> Iterator[None]:
    """Let every call into one of these modules raise, from the line that makes it."""
    if not rooms:
        yield
        return

    def watch(frame: FrameType, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__") if event == "call" else None
        if isinstance(module, str) and _is_in(module, rooms) and not _is_importing(frame):
            raise RoomIsClosed(f"{module}.{_called(frame)}")

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield
    finally:
        sys.setprofile(before)


def _is_in(module: str, rooms: Sequence[str]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being run for the first time on behalf of the answer: only its use is forbidden."""
    while frame is not None and frame.f_code is not observe.__code__:
        if frame.f_code.co_name == "<module>" or frame.f_globals.get("__name__") == "importlib._bootstrap":
            return True
        frame = frame.f_back
    return False


def _called(frame: FrameType) -> str:
    """The name of a function, or of the class whose method it is."""
    owner = frame.f_locals.get("self")
    return (type(owner).__qualname__ if owner is not None else frame.f_code.co_qualname).split(".")[0]


def copied(value: Any) -> Any:
    """The same plain data in fresh memory. Deep copies of arrays only: nothing else in plain data can change."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, (list, tuple)):
        return type(value)(map(copied, value))
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return value.clone() if _is_tensor(value) else value


def plain(value: Any, depth: int = 0) -> tuple[Any, str]:
    """A value as plain data, and what it was in words. What is not plain data becomes None with its type's name."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value), "bool"
    if isinstance(value, (int, float, complex)) and not isinstance(value, np.generic):
        return _number(value)
    if isinstance(value, str):
        return str(value[:LONGEST]), "text"
    if isinstance(value, (np.ndarray, np.generic)):
        return _array(np.array(value, subok=False))
    if _is_tensor(value):
        return _tensor(value)
    if isinstance(value, (list, tuple, dict)) and len(value) <= LONGEST and depth < DEEPEST:
        return _container(value, depth)
    return None, _word_for(value)


def _entry(answer: Any, key: str) -> Observed:
    if not isinstance(answer, dict):
        stands = callable(answer) or _is_placeholder(answer)
        return _written_down(answer, {}) if stands else Observed(kind=f"{NOT_A_DICT}{_word_for(answer)}")
    if answer and key not in answer:
        return Observed(kind=f"{MISSING} {', '.join(sorted(map(repr, answer)))}"[:LONGEST_MESSAGE], attempted=False)
    return _written_down(answer.get(key), {})


def _written_down(returned: Any, given: dict[str, Any]) -> Observed:
    if _is_placeholder(returned):
        return Observed(kind=_word_for(returned), attempted=False)
    value, kind = plain(returned)
    inputs = list(_arrays(list(given.values())))
    shares = any(_share_memory(mine, yours) for mine in _arrays(returned) for yours in inputs)
    return Observed(value, kind, aliases_input=shares)


def _is_placeholder(value: Any) -> bool:
    return value is None or value is ... or value is NotImplemented


def _number(value: complex) -> tuple[Any, str]:
    return next(kind(value) for kind in (int, float, complex) if isinstance(value, kind)), "number"


def _array(array: np.ndarray) -> tuple[Any, str]:
    if array.dtype.kind not in NUMBERS:
        return None, f"array of {array.dtype}"
    if array.ndim == 0:
        return array.item(), "bool" if array.dtype.kind == "b" else "number"
    return array, f"array {array.dtype}"


def _tensor(tensor: Any) -> tuple[Any, str]:
    import torch

    kind = f"tensor {str(tensor.dtype).removeprefix('torch.')}"
    tensor = tensor.detach().cpu()
    # NumPy has no bfloat16; widening it is exact.
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy().copy(), kind


def _container(value: Any, depth: int) -> tuple[Any, str]:
    if isinstance(value, dict):
        return {str(key): plain(item, depth + 1)[0] for key, item in value.items()}, "dict"
    kind = tuple if isinstance(value, tuple) else list
    return kind(plain(item, depth + 1)[0] for item in value), kind.__name__


def _word_for(value: Any) -> str:
    if value is None or value is ... or value is NotImplemented:
        return {None: "None", ...: "...", NotImplemented: "NotImplemented"}[value]
    return "a function" if callable(value) else str(type(value).__name__)


def _is_tensor(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.Tensor)


def _arrays(value: Any, depth: int = 0) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif _is_tensor(value) and value.device.type == "cpu":
        yield _storage_of(value)
    elif isinstance(value, (list, tuple, dict)) and len(value) <= LONGEST and depth < DEEPEST:
        for item in value.values() if isinstance(value, dict) else value:
            yield from _arrays(item, depth + 1)


def _storage_of(tensor: Any) -> np.ndarray:
    import torch

    return torch.tensor([], dtype=torch.uint8).set_(tensor.untyped_storage()).numpy()


def _share_memory(mine: np.ndarray, yours: np.ndarray) -> bool:
    try:
        return np.shares_memory(mine, yours, max_work=10_000)
    except np.exceptions.TooHardError:
        return True


def _identical(before: Any, after: Any) -> bool:
    if isinstance(before, np.ndarray):
        same = isinstance(after, np.ndarray) and before.dtype == after.dtype and before.shape == after.shape
        return same and before.tobytes() == after.tobytes()
    if isinstance(before, (list, tuple)):
        return len(before) == len(after) and all(map(_identical, before, after))
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(_identical(before[key], after[key]) for key in before)
    return bool(before.equal(after)) if _is_tensor(before) else before == after


def _raised(error: BaseException) -> Observed:
    line, source = _own_line(error)
    message = str(error)[:LONGEST_MESSAGE]
    return Observed(
        error_type=type(error).__name__, error_message=message, error_line=line, error_source=source.strip()
    )


def _own_line(error: BaseException) -> tuple[int, str]:
    """The last line of the traceback that the learner wrote: not ours, not a library's."""
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(name, line) for name, line in frames if not _is_library(name)]
    if not own:
        return 0, ""
    name, line = own[-1]
    return line, linecache.getline(name, line)


def _is_library(filename: str) -> bool:
    ours_or_pythons = filename.startswith((str(Path(__file__).parents[1]), sysconfig.get_path("stdlib"), "<frozen"))
    return ours_or_pythons or not {"site-packages", "dist-packages"}.isdisjoint(Path(filename).parts)
