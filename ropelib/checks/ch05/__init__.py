"""The questions of chapter 05, the two pairings."""

from ropelib.checks.ch05.q1_rope_apply import QUESTION as rope_apply
from ropelib.checks.ch05.q2_pairing_of import QUESTION as pairing_of
from ropelib.checks.ch05.q3_interleave_rows import QUESTION as interleave_rows
from ropelib.checks.ch05.q4_half_width import QUESTION as half_width
from ropelib.checks.ch05.q5_accident import QUESTION as accident

QUESTIONS = [rope_apply, pairing_of, interleave_rows, half_width, accident]

__all__ = ["QUESTIONS", "accident", "half_width", "interleave_rows", "pairing_of", "rope_apply"]
