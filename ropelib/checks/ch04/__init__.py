"""The questions of chapter 04, the three ways to tell position."""

from ropelib.checks.ch04.q1_clipped_bias import QUESTION as clipped_bias
from ropelib.checks.ch04.q2_local_preference import QUESTION as local_preference
from ropelib.checks.ch04.q3_relative_part import QUESTION as relative_part
from ropelib.checks.ch04.q4_windows import QUESTION as windows
from ropelib.checks.ch04.q5_scheme_of import QUESTION as scheme_of

QUESTIONS = [clipped_bias, local_preference, relative_part, windows, scheme_of]

__all__ = ["QUESTIONS", "clipped_bias", "local_preference", "relative_part", "scheme_of", "windows"]
