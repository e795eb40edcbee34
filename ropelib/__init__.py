"""Rotary position embeddings, from the definition to the kernel.

Importing this needs NumPy only; everything else loads when it is first used.
"""

from importlib import import_module
from typing import Any

from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles, rotation_matrix

_ROOMS = {
    "RotaryEmbedding": "module",
    "apply_rope": "ops",
    "apply_rotary_pos_emb": "ops",
    "build_rope_cache": "ops",
    "rope_torch": "ops",
    "rotate_half": "ops",
    "trace_lines": "widgets.trace",
}
_MODULES = ("axial", "pairing", "plotting", "scaling", "worked_example")

__all__ = ["cos_sin", "inverse_frequencies", "rotate", "rotation_angles", "rotation_matrix", *_ROOMS, *_MODULES]


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"ropelib.{name}")
    if name not in _ROOMS:
        raise AttributeError(f"module 'ropelib' has no attribute {name!r}")
    value = getattr(import_module(f"ropelib.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, *_MODULES})
