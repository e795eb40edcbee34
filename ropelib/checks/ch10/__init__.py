"""The questions of chapter 10, positions in two dimensions."""

from ropelib.checks.ch10.q1_different_offsets import QUESTION as different_offsets
from ropelib.checks.ch10.q2_rotate_grid import QUESTION as rotate_grid
from ropelib.checks.ch10.q3_positions_behind import QUESTION as positions_behind
from ropelib.checks.ch10.q4_multimodal_ids import QUESTION as multimodal_ids
from ropelib.checks.ch10.q5_fit_grid import QUESTION as fit_grid

QUESTIONS = [different_offsets, rotate_grid, positions_behind, multimodal_ids, fit_grid]

__all__ = ["QUESTIONS", "different_offsets", "fit_grid", "multimodal_ids", "positions_behind", "rotate_grid"]
