"""What a value is at one moment: a digest to tell whether it changed, and a small copy to show.

NumPy arrays and, where torch is loaded, its tensors are looked into entry by entry; of everything else a short text
is kept. Nothing here raises because of the value: a trace must not disturb what it traces.
"""

import re
import sys
import zlib
from collections.abc import Hashable
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

WINDOW = 16
DEEPEST, MOST_ITEMS, MOST_PARTS, LONGEST_TEXT = 4, 1000, 4, 160
ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+|\s+")
# Below this share of the largest entry a number is rounding noise, which differs from machine to machine.
NOISE = {"float64": 1e-12, "complex128": 1e-12, "float32": 1e-7, "complex64": 1e-7}


@dataclass(frozen=True)
class Shown:
    """title: type, shape and dtype; text: what is not an array; window: the first rows and columns of one that is

    shape: of the array, with all axes but the last as rows; note: what lies outside the window, or is not finite
    parts: the entries of a short tuple, list or dictionary that has arrays in it
    """

    title: str
    text: str = ""
    window: NDArray[Any] | None = None
    shape: tuple[int, int] = (0, 0)
    note: str = ""
    parts: tuple["Shown", ...] = ()


def show(value: Any) -> Shown:
    array = as_array(value)
    if array is None:
        return Shown(_kind(value), summary(value), parts=_parts(value))
    title = f"{_kind(value)} {_shape(np.shape(array))} {_dtype(value)}"
    if array.ndim == 0:
        return Shown(title, numbers(array.reshape(1, 1))[0][0])
    rows = array.reshape(-1, array.shape[-1]) if array.size else array.reshape(0, 0)
    window = rows[:WINDOW, :WINDOW].copy()
    return Shown(title, window=window, shape=rows.shape, note=_note(array, rows.shape))


def as_array(value: Any) -> NDArray[Any] | None:
    """The entries of an array or tensor, sharing memory where that is possible; None for anything else."""
    if isinstance(value, (np.ndarray, np.generic)):
        array = np.asarray(value)
        return None if array.dtype.kind in "OV" or isinstance(value, np.generic) else array
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(value, getattr(torch, "Tensor", ())):
        return None
    try:
        tensor = value.detach().cpu().resolve_conj().resolve_neg()
        small = tensor.is_floating_point() and tensor.dtype not in (torch.float16, torch.float32, torch.float64)
        return (tensor.float() if small else tensor).numpy()
    except Exception:  # sparse, quantised and meta tensors have no entries to show
        return None


def gradient(value: Any) -> Any:
    """What backward() has left with a tensor; None where there is nothing."""
    if _kind(value) not in ("tensor", "parameter"):
        return None
    try:
        # Asked of another tensor, PyTorch warns.
        return value.grad if value.requires_grad and (value.is_leaf or value.retains_grad) else None
    except Exception:
        return None


def digest(value: Any, depth: int = 0) -> Hashable:
    """Equal for equal content; for different content different, but for one chance in four billion (a 32-bit sum)."""
    array = as_array(value)
    if array is not None:
        # Adding 0 turns minus zero into zero: the two are shown alike.
        plain = array + 0 if array.dtype.kind in "fc" else array
        return type(value), array.shape, _dtype(value), zlib.crc32(plain.tobytes())
    if value is None or isinstance(value, (bool, int, str, bytes)):
        return type(value), value
    if isinstance(value, (float, complex)):
        return type(value), repr(value + 0)
    if isinstance(value, np.generic):
        return type(value), repr(value)
    if depth < DEEPEST and type(value) in (list, tuple, set, frozenset, dict):
        items = value.items() if isinstance(value, dict) else value
        parts = [digest(item, depth + 1) for _, item in zip(range(MOST_ITEMS), items, strict=False)]
        return type(value), len(value), frozenset(parts) if isinstance(value, (set, frozenset)) else tuple(parts)
    return type(value), id(value)


def summary(value: Any, depth: int = 0) -> str:
    """A value in at most 160 characters, the same on every machine."""
    try:
        text = _text(value, depth)
    except Exception as error:
        text = f"{type(value).__name__}, which cannot be shown ({type(error).__name__})"
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def numbers(window: NDArray[Any], digits: int = 4) -> list[list[str]]:
    """The entries of a 2-D array as text: minus zero as zero, rounding noise beside much larger numbers as ≈0.

    Decimals are fixed (one where that is exact) unless an entry is too small or too large: then digits are.
    """
    if window.dtype.kind not in "fc":
        return [["".join(str(entry).split()) for entry in row] for row in window.tolist()]
    if window.dtype.kind == "c":
        parts = zip(numbers(window.real, digits), numbers(window.imag, digits), strict=True)
        return [[_complex(*pair) for pair in zip(*rows, strict=True)] for rows in parts]
    values = window.astype(np.float64)
    finite = np.isfinite(values)
    noise = NOISE.get(str(window.dtype), 0.0) * np.abs(values[finite]).max(initial=0.0)
    tiny = (values != 0) & (np.abs(values) < noise)
    values[tiny] = 0.0
    size = np.abs(values[finite & (values != 0)])
    if np.all(np.abs(values[finite] - np.round(values[finite], 1)) <= noise) and size.max(initial=0.0) < 1e5:
        form = ".1f"
    elif size.min(initial=1.0) >= 5 * 0.1**digits and size.max(initial=0.0) < 1e5:
        form = f".{digits}f"
    else:
        form = f".{digits + 1}g"
    rows = zip(values.tolist(), tiny.tolist(), strict=True)
    return [["≈0" if small else format(entry + 0.0, form) for entry, small in zip(*row, strict=True)] for row in rows]


def _complex(real: str, imaginary: str) -> str:
    return f"{real}{'' if imaginary.startswith('-') else '+'}{imaginary}j"


def _text(value: Any, depth: int) -> str:
    array = as_array(value)
    if array is not None:
        return f"{_kind(value)} {_shape(np.shape(array))} {_dtype(value)}"
    if isinstance(value, (float, complex, np.floating, np.complexfloating)):
        return numbers(np.array([[value]]))[0][0]
    if isinstance(value, np.generic):
        return str(value)
    if type(value) in (list, tuple, set, frozenset) and depth < DEEPEST:
        items = [summary(item, depth + 1) for _, item in zip(range(MOST_ITEMS), value, strict=False)]
        items = sorted(items) if isinstance(value, (set, frozenset)) else items
        left, right = {list: "[]", tuple: "()"}.get(type(value), "{}")
        return f"{left}{', '.join(items)}{',' if type(value) is tuple and len(value) == 1 else ''}{right}"
    if type(value) is dict and depth < DEEPEST:
        items = zip(range(MOST_ITEMS), value.items(), strict=False)
        return "{" + ", ".join(f"{summary(k, depth + 1)}: {summary(v, depth + 1)}" for _, (k, v) in items) + "}"
    if isinstance(value, FunctionType):
        return f"function {value.__name__}"
    if isinstance(value, type):
        return f"class {value.__name__}"
    if type(value).__repr__ is object.__repr__ or hasattr(value, "_modules"):
        return f"{type(value).__name__} object"
    return ADDRESS.sub(lambda found: " " if found.group().isspace() else "", repr(value))


def _parts(value: Any) -> tuple[Shown, ...]:
    if type(value) not in (tuple, list, dict) or not 0 < len(value) <= MOST_PARTS:
        return ()
    entries = value if type(value) is dict else dict(enumerate(value))
    if all(as_array(entry) is None for entry in entries.values()):
        return ()
    shown = {name: show(entry) for name, entry in entries.items()}
    return tuple(replace(part, title=f"[{summary(name)}] {part.title}", parts=()) for name, part in shown.items())


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return "array"
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, getattr(torch, "Tensor", ())):
        return "parameter" if type(value).__name__ == "Parameter" else "tensor"
    return type(value).__name__


def _dtype(value: Any) -> str:
    return str(getattr(value, "dtype", "")).removeprefix("torch.")


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"


def _note(array: NDArray[Any], shape: tuple[int, int]) -> str:
    notes = []
    if array.ndim > 2:
        notes.append("the leading axes are laid out as rows")
    if array.dtype.kind in "fc" and not np.isfinite(array).all():
        strange = {"NaN": np.isnan(array).sum(), "infinite": np.isinf(array).sum()}
        notes.append(", ".join(f"{count} {name}" for name, count in strange.items() if count))
    if max(shape) > WINDOW and array.dtype.kind in "iuf" and np.isfinite(array).any():
        ends = array[np.isfinite(array)]
        low, high = numbers(np.array([[ends.min(), ends.max()]]))[0]
        notes.append(f"from {low} to {high}")
    return "; ".join(notes)
