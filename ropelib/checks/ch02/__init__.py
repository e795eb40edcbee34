"""The questions of chapter 02, the cat sat on the mat."""

from ropelib.checks.ch02.q1_rotate_interleaved import QUESTION as rotate_interleaved
from ropelib.checks.ch02.q2_score_at_offset import QUESTION as score_at_offset
from ropelib.checks.ch02.q3_base_change import QUESTION as base_change
from ropelib.checks.ch02.q4_attend_to_cache import QUESTION as attend_to_cache
from ropelib.checks.ch02.q5_relative_values import QUESTION as relative_values

QUESTIONS = [rotate_interleaved, score_at_offset, base_change, attend_to_cache, relative_values]

__all__ = ["QUESTIONS", "attend_to_cache", "base_change", "relative_values", "rotate_interleaved", "score_at_offset"]
