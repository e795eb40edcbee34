"""Whether two values of plain data agree, and if not, how they differ."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ropelib.checks.observe import NOT_A_DICT

# Angles of 10⁴ rad are known to about 10⁻¹¹ in float64; a value that has been float32 on its way is off by 10⁻⁸.
RELATIVE = {"float64": 1e-9, "complex128": 1e-9}
EPSILONS = 64
MOST_DECIMALS = 6
# What is wrong with the form of an answer, so that its numbers cannot even be compared.
OF_FORM = ("not a function", "a function instead of its value", "not a dict", "wrong kind", "wrong shape")


def agree(expected: Any, got: Any, tolerance: float | None = None, *, any_dtype: bool = False) -> bool:
    """Whether got has the structure, the shape, the dtype and, up to rounding, the numbers of expected.

    Several numbers side by side may come as a tuple, as a list, or as an array with one axis.

    expected, got: plain data, see ropelib.checks.observe.plain
    tolerance:     relative to the largest number of expected; from its dtype where not given
    any_dtype:     numbers of another dtype agree too, as far as it can hold them
    """
    if isinstance(expected, (list, tuple)):
        got = _side_by_side(got)
        alike = isinstance(got, (list, tuple)) and len(got) == len(expected)
        pairs = zip(expected, got, strict=True) if alike else ()
        return alike and all(agree(mine, yours, tolerance, any_dtype=any_dtype) for mine, yours in pairs)
    if isinstance(expected, dict):
        alike = isinstance(got, dict) and got.keys() == expected.keys()
        return alike and all(agree(expected[key], got[key], tolerance, any_dtype=any_dtype) for key in expected)
    if isinstance(expected, np.ndarray):
        if not isinstance(got, np.ndarray) or got.shape != expected.shape:
            return False
        if got.dtype != expected.dtype:
            return any_dtype and _close(expected, got, max(_tolerance(expected.dtype), _tolerance(got.dtype)))
        return _close(expected, got, tolerance)
    if _is_number(expected):
        return _is_number(got) and _close(np.asarray(expected), np.asarray(got), tolerance)
    return type(got) is type(expected) and got == expected


def difference(expected: Any, got: Any) -> float | None:
    """The largest difference of two numbers in the same place, or None where they cannot be compared."""
    if isinstance(expected, (list, tuple)) and isinstance(got, (list, tuple)) and len(expected) == len(got):
        parts = [difference(mine, yours) for mine, yours in zip(expected, got, strict=True)]
        known = [part for part in parts if part is not None]
        return max(known) if known and len(known) == len(parts) else None
    if not (_is_numeric(expected) and _is_numeric(got)) or np.shape(expected) != np.shape(got):
        return None
    if np.size(expected) == 0 or not np.isfinite(got).all():
        return None
    return float(np.abs(np.asarray(expected, dtype=complex) - np.asarray(got, dtype=complex)).max())


def fault(expected: Any, got: Any, kind: str, tolerance: float | None = None) -> tuple[str, str] | None:
    """A difference that is not in the numbers: its name and a message. None where only numbers differ.

    kind: what got was, in words (Observed.kind)
    """
    if kind.startswith("not a function"):
        what = kind.removeprefix("not a function: ")
        return "not a function", f"The check needs your function itself, but it was handed {_article(what)}."
    if kind == "a function":
        return "a function instead of its value", "This is a function. What is asked for is the value: call it."
    if kind.startswith(NOT_A_DICT):
        what = _article(kind.removeprefix(NOT_A_DICT))
        return "not a dict", f"The answer should stay a dict with the keys that were given, but it is {what}."
    if isinstance(expected, (list, tuple)):
        got = _side_by_side(got)
    if _shape(expected) != _shape(got):
        advice = " np.array(…) makes an array of it." if _is_array(expected) and isinstance(got, (list, tuple)) else ""
        return "wrong kind", f"This should be {_describe(expected)}, but it is {_describe(got, kind)}.{advice}"
    if isinstance(expected, (list, tuple)):
        return _fault_of_a_part(expected, got)
    if _is_number(expected) and _is_number(got) and tolerance and _cut_to_decimals(expected, got):
        return "rounded too far", ROUNDED_TOO_FAR.format(digits=_digits(tolerance))
    return _fault_of_an_array(expected, got) if _is_array(expected) else None


ROUNDED_TOO_FAR = (
    "Close, but with too few digits to tell: give {digits}. Digits are counted from the first one that is not zero; "
    "decimals are not. How many of yours are left?"
)


def as_array_of(expected: Any, value: Any) -> Any:
    """Numbers side by side as the array that expected is, wherever that loses nothing; else value as it is.

    A list or tuple of real numbers becomes an array. Whole floats become integers where expected has integers.
    """
    if not (_is_array(expected) and expected.ndim == 1):
        return value
    if isinstance(value, (list, tuple)) and all(_is_number(item) and not isinstance(item, complex) for item in value):
        value = np.array(value, dtype=expected.dtype if expected.dtype.kind == "f" else None)
    if expected.dtype.kind == "i" and _is_array(value) and _holds_whole_numbers(value):
        return value.astype(expected.dtype)
    return value


def has_decimals(value: Any) -> bool:
    """Whether plain data holds a number that is not whole, which no two programs give by accident."""
    if isinstance(value, (list, tuple)):
        return any(map(has_decimals, value))
    return _is_numeric(value) and bool(np.any(np.round(value) != value))


def words(value: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from words(item)


def _fault_of_a_part(expected: list | tuple, got: list | tuple) -> tuple[str, str] | None:
    """The first fault among values side by side, with its place."""
    for place, (mine, yours) in enumerate(zip(expected, got, strict=True), 1):
        kind = f"array {yours.dtype}" if _is_array(yours) else type(yours).__name__
        if found := fault(mine, yours, kind):
            return found[0], f"Number {place} of the {len(expected)} that come back: {found[1]}"
    return None


def _fault_of_an_array(expected: np.ndarray, got: np.ndarray) -> tuple[str, str] | None:
    if expected.shape != got.shape:
        return "wrong shape", f"The result should have the shape {expected.shape}, but its shape is {got.shape}."
    if got.dtype.kind in "fc" and not np.isfinite(got).all():
        return "not finite", "The result holds NaN or infinity. Which division or power gives it?"
    if expected.dtype != got.dtype:
        return "wrong dtype", _about_dtype(expected, got)
    return None


def _cut_to_decimals(expected: complex, got: complex) -> bool:
    """Whether got is expected, rounded to or cut off at so few decimals that it is another number."""
    if not isinstance(expected, float) or isinstance(got, complex) or got == 0:
        return False
    rounded = [round(expected, decimals) for decimals in range(MOST_DECIMALS + 1)]
    cut = [math.trunc(expected * 10**decimals) / 10**decimals for decimals in range(MOST_DECIMALS + 1)]
    return got in rounded or got in cut


def _digits(tolerance: float) -> str:
    """How many significant digits stay within a tolerance, in words: three for 5e-3, four for 1e-3."""
    digits = 1 + math.floor(-math.log10(tolerance) + 1e-9)
    return {2: "two", 3: "three", 4: "four", 5: "five"}.get(digits, str(digits))


def _side_by_side(got: Any) -> Any:
    """Several numbers may come as an array with one axis."""
    return got.tolist() if _is_array(got) and got.ndim == 1 else got


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _about_dtype(expected: np.ndarray, got: np.ndarray) -> str:
    rule = f"The result should be {expected.dtype}, but it is {got.dtype}"
    if got.dtype.kind in "iu" and expected.dtype.kind == "f":
        return f"{rule}: its decimals are cut off. Did an array of integers receive the results?"
    if got.dtype.kind == "c":
        return f"{rule}: a complex array. Which part of it is meant?"
    if got.dtype.kind == "f" and expected.dtype.kind == "i" and not _holds_whole_numbers(got):
        return "Whole numbers are asked for, and not all of these are whole."
    if got.dtype.kind == "f" and got.dtype.itemsize < expected.dtype.itemsize:
        return f"{rule}: digits are lost. Where did a number become {got.dtype}?"
    return f"{rule}."


def _close(expected: np.ndarray, got: np.ndarray, tolerance: float | None) -> bool:
    if expected.size == 0:
        return True
    if expected.dtype.kind not in "fc" and tolerance is None:
        return bool(np.array_equal(expected, got))
    if not (np.isfinite(got).all() and np.isfinite(expected).all()):
        return bool(np.array_equal(expected, got, equal_nan=True))
    allowed = _tolerance(expected.dtype) if tolerance is None else tolerance
    # A tolerance in the statement of a question is relative to the answer; rounding is relative to 1 at least.
    size = np.abs(expected).max(initial=0.0 if tolerance else 1.0)
    return bool((np.abs(expected.astype(complex) - got) <= allowed * size).all())


def _tolerance(dtype: np.dtype) -> float:
    if dtype.kind not in "fc":
        return 0.0
    return RELATIVE.get(dtype.name) or EPSILONS * float(np.finfo(dtype).eps)


def _holds_whole_numbers(array: np.ndarray) -> bool:
    if array.dtype.kind == "f":
        return bool((np.isfinite(array) & (array == np.floor(array)) & (np.abs(array) < 2**53)).all())
    return array.dtype.kind in "iu"


def _is_number(value: Any) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and abs(value) < 2**63  # beyond it NumPy makes an object of it
    return isinstance(value, (float, complex))


def _is_numeric(value: Any) -> bool:
    return _is_number(value) or (isinstance(value, np.ndarray) and value.dtype.kind in "iufc")


def _shape(value: Any) -> str:
    """The structure of plain data, without lengths of axes and without dtypes."""
    if isinstance(value, (list, tuple)):
        return f"{len(value)} side by side"
    if isinstance(value, np.ndarray):
        return "array"
    return "number" if _is_number(value) else type(value).__name__


def _describe(value: Any, kind: str = "") -> str:
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, dict):
        return "a dict"
    names = {bool: "True or False", str: "text"}
    return "a number" if _is_number(value) else names.get(type(value)) or _article(kind or "number out of range")


def _article(what: str) -> str:
    return f"{'an' if what[0] in 'aeiou' else 'a'} {what}"
