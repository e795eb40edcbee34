"""The questions of chapter 08, inside a real model."""

from ropelib.checks.ch08.q1_interleave_qkv import QUESTION as interleave_qkv
from ropelib.checks.ch08.q2_pairing_from_data import QUESTION as pairing_from_data
from ropelib.checks.ch08.q3_longest_crowd import QUESTION as longest_crowd
from ropelib.checks.ch08.q4_mass_by_distance import QUESTION as mass_by_distance
from ropelib.checks.ch08.q5_lead import QUESTION as lead

QUESTIONS = [interleave_qkv, pairing_from_data, longest_crowd, mass_by_distance, lead]

__all__ = ["QUESTIONS", "interleave_qkv", "lead", "longest_crowd", "mass_by_distance", "pairing_from_data"]
