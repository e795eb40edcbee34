"""The numbers that the cards of chapter 06 offer, by NumPy's own float16 and by counting."""

import numpy as np

from ropelib import questions
from ropelib.questions.chapter_06 import distinct, last_whole


def test_float16_holds_every_whole_number_up_to_the_one_offered():
    numbers = np.arange(4096)
    held = numbers.astype(np.float16).astype(int) == numbers
    assert last_whole(bits=11) == numbers[~held][0] - 1
    assert distinct(2050, bits=11) == np.unique(np.arange(2050).astype(np.float16)).size
    assert last_whole(bits=8) == 256, "bfloat16"


def test_the_cast_module_has_an_answer_for_each_misreading():
    options = questions.find("06-half").options
    assert len(options) == 3 and any("2048" in option.text and not option.right for option in options)


def test_no_explanation_speaks_of_tokens_in_between():
    whys = [option.why for option in questions.find("06-rounded-frequencies").options]
    assert not any("tokens in between" in why for why in whys), "they play no part; the two tokens themselves do"
