"""The questions of chapter 00, attention and the ways to tell it positions."""

from ropelib.checks.ch00.q1_attend_once import QUESTION as attend_once
from ropelib.checks.ch00.q2_undo_shuffle import QUESTION as undo_shuffle
from ropelib.checks.ch00.q3_terms_of_a_layer import QUESTION as terms_of_a_layer
from ropelib.checks.ch00.q4_alibi_weights import QUESTION as alibi_weights
from ropelib.checks.ch00.q5_what_stays import QUESTION as what_stays

QUESTIONS = [attend_once, undo_shuffle, terms_of_a_layer, alibi_weights, what_stays]

__all__ = ["QUESTIONS", "alibi_weights", "attend_once", "terms_of_a_layer", "undo_shuffle", "what_stays"]
