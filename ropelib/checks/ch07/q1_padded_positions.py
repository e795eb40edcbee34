"""Positions of a left-padded batch, in prefill and in decoding."""

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator
from ropelib.checks.observe import Case

Ints = NDArray[np.int64]


def padded_positions(attention_mask: Ints, new_tokens: int) -> Ints:
    prompt = np.maximum(attention_mask.cumsum(axis=1) - 1, 0)
    lengths = attention_mask.sum(axis=1, keepdims=True)
    return np.concatenate([prompt, lengths + np.arange(new_tokens)], axis=1)


def _mask(lengths: Ints, seq: int) -> Ints:
    return (np.arange(seq) >= seq - np.asarray(lengths)[:, None]).astype(np.int64)


def _cases(seed: int) -> list[Case]:
    rng = generator(7, 1, seed)
    seq, lengths = int(rng.integers(8, 12)), rng.permutation(np.arange(2, 8))[:4]
    return [
        Case("one padded prompt, one new token", (_mask([2], 3), 1)),
        Case("no padding at all", (_mask([4, 4], 4), 2), weight=0),
        Case("two prompts, two new tokens", (_mask([5, 2], 5), 2)),
        Case("every prompt is padded", (_mask([1, 3, 2], 6), 3)),
        Case("prefill only", (_mask([3, 5, 1], 5), 0)),
        Case("prompts of any length", (_mask(lengths, seq), int(rng.integers(2, 6))), weight=2),
    ]


def _prompt(mask: Ints) -> Ints:
    return padded_positions(mask, 0)


def _then(mask: Ints, first: Ints | int, new_tokens: int) -> Ints:
    """The right positions in the prompt, and new tokens from first on."""
    new = np.broadcast_to(first + np.arange(new_tokens), (len(mask), new_tokens))
    return np.concatenate([_prompt(mask), new], axis=1)


def _rows(mask: Ints, new_tokens: int) -> Ints:
    return np.tile(np.arange(mask.shape[1] + new_tokens), (len(mask), 1))


def _padding_at_minus_one(mask: Ints, new_tokens: int) -> Ints:
    positions = padded_positions(mask, new_tokens)
    positions[:, : mask.shape[1]][mask == 0] = -1
    return positions


def _from_one(mask: Ints, new_tokens: int) -> Ints:
    positions = padded_positions(mask, new_tokens) + 1
    positions[:, : mask.shape[1]][mask == 0] = 0
    return positions


def _stuck(mask: Ints, new_tokens: int) -> Ints:
    positions = padded_positions(mask, new_tokens)
    positions[:, mask.shape[1] :] = mask.sum(axis=1, keepdims=True)
    return positions


def _prompt_by_column(mask: Ints, new_tokens: int) -> Ints:
    positions = padded_positions(mask, new_tokens)
    positions[:, : mask.shape[1]] = np.arange(mask.shape[1])
    return positions


QUESTION = Question(
    name="padded_positions",
    title="Positions of a padded batch",
    objective="give every token of a left-padded batch its position, in the prompt and in all steps after it",
    difficulty="warm-up",
    minutes=15,
    points=4,
    reference=padded_positions,
    cases=_cases,
    misconceptions=[
        Misconception(
            "padding counted",
            _rows,
            "Every token has the number of its column, so padding counts as text. How many real tokens stand to the "
            "left of the first real one?",
        ),
        Misconception(
            "corrected in the prompt only",
            lambda mask, new: _then(mask, mask.shape[1], new),
            "The prompt is right, and then the new tokens jump: they go on from the width of the batch, padding "
            "included. How many real tokens does each row have?",
        ),
        Misconception(
            "corrected in decoding only",
            _prompt_by_column,
            "The new tokens go on from the number of real tokens, but the prompt was counted with its padding. Which "
            "gap do the new queries see between themselves and the last token of the prompt?",
        ),
        Misconception(
            "new tokens start at 0",
            lambda mask, new: _then(mask, 0, new),
            "The new tokens start again at 0, where the prompt started. What position had the last token before them?",
        ),
        Misconception(
            "new tokens do not move on",
            _stuck,
            "All new tokens of a row get the same position. Each of them is a step further than the one before: where "
            "does your program count the steps?",
        ),
        Misconception(
            "last position used twice",
            lambda mask, new: _then(mask, mask.sum(axis=1, keepdims=True) - 1, new),
            "The first new token gets the position of the last token of the prompt. A row of L tokens ends at L − 1: "
            "where does it go on?",
        ),
        Misconception(
            "one position left out",
            lambda mask, new: _then(mask, mask.sum(axis=1, keepdims=True) + 1, new),
            "Between the prompt and the first new token a position is missing. A row of L tokens ends at L − 1, "
            "counted from 0: where does it go on?",
        ),
        Misconception(
            "one length for all rows",
            lambda mask, new: _then(mask, mask.sum(axis=1).max(), new),
            "The new tokens of all rows go on from the longest prompt. Which axis of the mask has to be summed so that "
            "every row keeps its own length?",
        ),
        Misconception(
            "positions start at 1",
            _from_one,
            "The first real token of a row stands at 1. A running sum of the mask counts tokens, with the newest "
            "one included: how many came before it?",
        ),
        Misconception(
            "padding at -1",
            _padding_at_minus_one,
            "The real tokens are right, but padding stands at −1. In a table of cosines, row −1 is the last one, or an "
            "error. What is asked for under padding?",
        ),
    ],
    hints=[
        "A token's position is the number of real tokens before it. The mask is 1 where a token is real.",
        "attention_mask.cumsum(axis=1) counts the real tokens up to and including each column. Under padding it is 0.",
        "New token number j of a row with L real tokens stands at L + j. Sum with keepdims=True to get one L a row.",
    ],
    explanation="A common shift of a whole row would do no harm to its scores. A shift between prompt and new tokens "
    "does, so one rule must serve both.",
)
