"""Rotary position embeddings, from the definition to the kernel.

Importing this needs NumPy only; everything else loads when it is first used.
"""

from typing import Any

from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles, rotation_matrix

__all__ = ["cos_sin", "inverse_frequencies", "rotate", "rotation_angles", "rotation_matrix"]


def __getattr__(name: str) -> Any:
    if name == "trace_lines":
        from ropelib.widgets.trace import trace_lines

        return trace_lines
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
