"""Rotary position embeddings, from the definition to the kernel.

Importing this needs NumPy only; everything else loads when it is first used.
"""

from ropelib.reference import cos_sin, inverse_frequencies, rotate, rotation_angles, rotation_matrix

__all__ = ["cos_sin", "inverse_frequencies", "rotate", "rotation_angles", "rotation_matrix"]
