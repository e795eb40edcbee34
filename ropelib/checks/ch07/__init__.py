"""The questions of chapter 07, decoding with a cache."""

from ropelib.checks.ch07.q1_padded_positions import QUESTION as padded_positions
from ropelib.checks.ch07.q2_attend_chunk import QUESTION as attend_chunk
from ropelib.checks.ch07.q3_change_base import QUESTION as change_base
from ropelib.checks.ch07.q4_ring_positions import QUESTION as ring_positions
from ropelib.checks.ch07.q5_cache_size import QUESTION as cache_size

QUESTIONS = [padded_positions, attend_chunk, change_base, ring_positions, cache_size]

__all__ = ["QUESTIONS", "attend_chunk", "cache_size", "change_base", "padded_positions", "ring_positions"]
