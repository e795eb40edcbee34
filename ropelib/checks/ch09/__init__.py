"""The questions of chapter 09, stretching the context."""

from ropelib.checks.ch09.q1_bands import QUESTION as bands
from ropelib.checks.ch09.q2_ntk_factor_for import QUESTION as ntk_factor_for
from ropelib.checks.ch09.q3_halfway import QUESTION as halfway
from ropelib.checks.ch09.q4_stale_angles import QUESTION as stale_angles
from ropelib.checks.ch09.q5_temperature import QUESTION as temperature

QUESTIONS = [bands, ntk_factor_for, halfway, stale_angles, temperature]

__all__ = ["QUESTIONS", "bands", "halfway", "ntk_factor_for", "stale_angles", "temperature"]
