"""The questions of chapter 03, many frequencies."""

from ropelib.checks.ch03.q1_spectrum import QUESTION as spectrum
from ropelib.checks.ch03.q2_smallest_base import QUESTION as smallest_base
from ropelib.checks.ch03.q3_most_deceptive import QUESTION as most_deceptive
from ropelib.checks.ch03.q4_query_for_distance import QUESTION as query_for_distance
from ropelib.checks.ch03.q5_expected_score import QUESTION as expected_score

QUESTIONS = [spectrum, smallest_base, most_deceptive, query_for_distance, expected_score]

__all__ = ["QUESTIONS", "expected_score", "most_deceptive", "query_for_distance", "smallest_base", "spectrum"]
