"""The questions of chapter 01, the rotation identity."""

from ropelib.checks.ch01.q1_rotate_2d import QUESTION as rotate_2d
from ropelib.checks.ch01.q2_offset_between import QUESTION as offset_between
from ropelib.checks.ch01.q3_content_terms import QUESTION as content_terms
from ropelib.checks.ch01.q4_different_scores import QUESTION as different_scores
from ropelib.checks.ch01.q5_diagnosis import QUESTION as diagnosis

QUESTIONS = [rotate_2d, offset_between, content_terms, different_scores, diagnosis]

__all__ = ["QUESTIONS", "content_terms", "diagnosis", "different_scores", "offset_between", "rotate_2d"]
