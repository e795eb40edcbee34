"""The questions of chapter 11, one sequence on many devices."""

from ropelib.checks.ch11.q1_there_and_back import QUESTION as there_and_back
from ropelib.checks.ch11.q2_starts_of import QUESTION as starts_of
from ropelib.checks.ch11.q3_merge_reports import QUESTION as merge_reports
from ropelib.checks.ch11.q4_with_a_window import QUESTION as with_a_window
from ropelib.checks.ch11.q5_eight_devices import QUESTION as eight_devices

QUESTIONS = [there_and_back, starts_of, merge_reports, with_a_window, eight_devices]

__all__ = ["QUESTIONS", "eight_devices", "merge_reports", "starts_of", "there_and_back", "with_a_window"]
