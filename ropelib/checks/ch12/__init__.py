"""The questions of chapter 12, A first Triton kernel."""

from ropelib.checks.ch12.q1_bytes_first import QUESTION as bytes_first
from ropelib.checks.ch12.q2_who_wrote import QUESTION as who_wrote
from ropelib.checks.ch12.q3_rotate_partial import QUESTION as rotate_partial
from ropelib.checks.ch12.q4_rotate_rows import QUESTION as rotate_rows
from ropelib.checks.ch12.q5_first_alarm import QUESTION as first_alarm

QUESTIONS = [bytes_first, who_wrote, rotate_partial, rotate_rows, first_alarm]

__all__ = ["QUESTIONS", "bytes_first", "first_alarm", "rotate_partial", "rotate_rows", "who_wrote"]
