"""The questions of chapter 06, RoPE in PyTorch."""

from ropelib.checks.ch06.q1_rotate_by_ids import QUESTION as rotate_by_ids
from ropelib.checks.ch06.q2_positions_left import QUESTION as positions_left
from ropelib.checks.ch06.q3_how_relative import QUESTION as how_relative
from ropelib.checks.ch06.q4_grow_tables import QUESTION as grow_tables
from ropelib.checks.ch06.q5_rope_backward import QUESTION as rope_backward

QUESTIONS = [rotate_by_ids, positions_left, how_relative, grow_tables, rope_backward]

__all__ = ["QUESTIONS", "grow_tables", "how_relative", "positions_left", "rope_backward", "rotate_by_ids"]
