"""Several new tokens at once meet a cache of rotated keys."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import generator, halves
from ropelib.checks.observe import Case
from ropelib.reference import Floats, cos_sin, inverse_frequencies, rotate, rotation_angles

Program = Callable[[Floats, Floats, Floats, Floats, Floats, int, float], Floats]


def attend_chunk(
    q: Floats, k: Floats, v: Floats, rotated_keys: Floats, values: Floats, offset: int, base: float
) -> Floats:
    new, head_dim = q.shape
    half = head_dim // 2
    angles = (offset + np.arange(new))[:, None] * base ** (-np.arange(half) / half)
    cos, sin = np.cos(angles), np.sin(angles)
    turned_q, turned_k = (
        np.concatenate([x[:, :half] * cos - x[:, half:] * sin, x[:, :half] * sin + x[:, half:] * cos], axis=1)
        for x in (q, k)
    )
    keys = np.concatenate([rotated_keys, turned_k])
    future = np.arange(len(keys)) > len(rotated_keys) + np.arange(new)[:, None]
    scaled = np.where(future, -np.inf, turned_q @ keys.T / np.sqrt(head_dim))
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True) @ np.concatenate([values, v])


def _at(x: Floats, positions: Floats, base: float, pairing: str = "half") -> Floats:
    return rotate(x, *cos_sin(rotation_angles(positions, inverse_frequencies(x.shape[-1], base))), pairing=pairing)


def _case(
    label: str,
    rng: np.random.Generator,
    sizes: tuple[int, int, int],
    offset: int,
    base: float = 10_000.0,
    lift: float = 0.0,
    weight: float = 1.0,
) -> Case:
    """sizes: tokens in the cache, new tokens, head_dim. The cache holds the tokens right before offset.

    lift: what all queries and keys have in a pair that hardly turns. It makes all scores large, and not their
    differences: one key that takes everything would hide most slips
    """
    cached, new, head_dim = sizes

    def vectors(count: int) -> Floats:
        x = halves(rng, count, head_dim)
        return np.where(np.arange(head_dim) == head_dim // 2 - 1, lift, x / 2) if lift else x

    keys = _at(vectors(cached), np.arange(offset - cached, offset), base)
    # Multiples of 1/10: a result that was float32 on its way shows.
    v, values = halves(rng, new, head_dim) / 5, halves(rng, cached, head_dim) / 5
    return Case(label, (vectors(new), vectors(new), v, keys, values, offset, base), weight=weight)


def _cases(seed: int) -> list[Case]:
    rng = generator(7, 2, seed)
    first = int(rng.integers(20, 500))
    return [
        _case("two tokens after a cache of two", rng, (2, 2, 2), 2),
        _case("one token, as in decoding", rng, (3, 1, 4), 3, weight=0),
        _case("an empty cache: plain prefill", rng, (0, 3, 4), 0),
        _case("three tokens after a cache of four", rng, (4, 3, 4), 4, weight=2),
        _case("the start of the text was dropped", rng, (3, 4, 6), first, weight=2),
        _case("another base", rng, (5, 3, 8), 5, 500.0),
        _case("large scores", rng, (2, 3, 4), 2, lift=50.0),
    ]


def _softmax(scaled: Floats) -> Floats:
    exponentials = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _going_on(offset: int, cached: int, new: int) -> Floats:
    return offset + np.arange(new)


def _unrotated(offset: int, cached: int, new: int) -> Floats:
    return np.zeros(new)


def _future(columns: Floats, rows: Floats, cached: int) -> NDArray[np.bool_]:
    return columns > cached + rows


def _variant(
    queries: Callable[[int, int, int], Floats] = _going_on,
    keys: Callable[[int, int, int], Floats] = _going_on,
    hides: Callable[[Floats, Floats, int], NDArray[np.bool_]] = _future,
    pairing: str = "half",
    scale: float = 1.0,
) -> Program:
    """The right program with other positions, another mask, another pairing, or another scale."""

    def program(
        q: Floats, k: Floats, v: Floats, rotated_keys: Floats, values: Floats, offset: int, base: float
    ) -> Floats:
        new, cached = len(q), len(rotated_keys)
        turned = _at(q, queries(offset, cached, new), base, pairing)
        together = np.concatenate([rotated_keys, _at(k, keys(offset, cached, new), base, pairing)])
        hidden = hides(np.arange(cached + new), np.arange(new)[:, None], cached)
        scaled = np.where(hidden, -np.inf, scale * turned @ together.T / np.sqrt(q.shape[1]))
        return _softmax(scaled) @ np.concatenate([values, v])

    return program


def _both(at: Callable[[int, int, int], Floats]) -> Program:
    return _variant(at, at)


def _cache_again(q: Floats, k: Floats, v: Floats, keys: Floats, values: Floats, offset: int, base: float) -> Floats:
    again = _at(keys, np.arange(offset - len(keys), offset), base)
    return attend_chunk(q, k, v, again, values, offset, base)


def _without_scale(q: Floats, k: Floats, v: Floats, keys: Floats, values: Floats, offset: int, base: float) -> Floats:
    return _variant(scale=np.sqrt(q.shape[1]))(q, k, v, keys, values, offset, base)


def _overflowing(q: Floats, k: Floats, v: Floats, keys: Floats, values: Floats, offset: int, base: float) -> Floats:
    positions = _going_on(offset, len(keys), len(q))
    together = np.concatenate([keys, _at(k, positions, base)])
    hidden = _future(np.arange(len(together)), np.arange(len(q))[:, None], len(keys))
    scaled = np.where(hidden, -np.inf, _at(q, positions, base) @ together.T / np.sqrt(q.shape[1]))
    exponentials = np.exp(scaled)
    return exponentials / exponentials.sum(axis=1, keepdims=True) @ np.concatenate([values, v])


QUESTION = Question(
    name="attend_chunk",
    title="Several tokens at once",
    objective="continue from a cache with several tokens at once, with the right positions and the right mask",
    difficulty="demanding",
    minutes=25,
    points=6,
    reference=attend_chunk,
    cases=_cases,
    misconceptions=[
        Misconception(
            "new tokens start at 0",
            _both(lambda offset, cached, new: np.arange(new)),
            "The new queries and keys are turned as if the text started with them. The keys in the cache kept their "
            "positions: where does your program use `offset`?",
        ),
        Misconception(
            "all at the offset",
            _both(lambda offset, cached, new: np.full(new, offset)),
            "All new tokens stand at `offset`. That is the position of the first: where does the next one stand?",
        ),
        Misconception(
            "one position too far",
            _both(lambda offset, cached, new: offset + 1 + np.arange(new)),
            "The new tokens stand one step too far from the cache. `offset` is the position of the first of them.",
        ),
        Misconception(
            "counted from the cache",
            _both(lambda offset, cached, new: cached + np.arange(new)),
            "Positions go on from the length of the cache. That is right only as long as nothing was dropped from its "
            "front. Which argument knows where the new tokens stand?",
        ),
        Misconception(
            "queries not rotated",
            _variant(queries=_unrotated),
            "The new keys are rotated, the new queries are not. Which angle is then left in a score, an offset or a "
            "position?",
        ),
        Misconception(
            "new keys not rotated",
            _variant(keys=_unrotated),
            "The new queries are rotated, the new keys go in as they are, next to rotated ones. What will the next "
            "query take them for?",
        ),
        Misconception(
            "cached keys rotated again",
            _cache_again,
            "The keys of the cache are turned by their positions a second time. They came out of it rotated: which "
            "keys are still to be turned?",
        ),
        Misconception(
            "clockwise",
            _both(lambda offset, cached, new: -offset - np.arange(new)),
            "The new tokens turn the other way than the keys in the cache did. Which sign has the sine in the first "
            "half?",
        ),
        Misconception(
            "neighbours paired",
            _variant(pairing="interleaved"),
            "The new tokens are rotated in pairs of neighbours, the keys in the cache in halves. Which feature is the "
            "partner of feature 0 in this chapter?",
        ),
        Misconception(
            "no mask",
            _variant(hides=lambda columns, rows, cached: columns < 0),
            "Every new token sees all new tokens, those after it included. One token at a time needs no mask: why do "
            "several need one?",
        ),
        Misconception(
            "mask without the cache",
            _variant(hides=lambda columns, rows, cached: columns > rows),
            "The mask starts in the upper left corner, so the first new token sees only the oldest key of the cache. "
            "In which column does its own key stand?",
        ),
        Misconception(
            "a token does not see itself",
            _variant(hides=lambda columns, rows, cached: columns >= cached + rows),
            "The mask hides each new token from itself. A token may see its past and itself: is it > or ≥?",
        ),
        Misconception(
            "cache not used",
            _variant(hides=lambda columns, rows, cached: (columns < cached) | (columns > cached + rows)),
            "The new tokens see each other only. The cache holds what came before: where do its keys and values go in?",
        ),
        Misconception(
            "cache only",
            _variant(hides=lambda columns, rows, cached: columns + 0 * rows >= cached),
            "The new queries see the cache only. In a full pass a token also sees itself and the new ones before it.",
        ),
        Misconception(
            "not scaled",
            _without_scale,
            "The weights are too sharp: the division by √head_dim is missing. What does the chapter do with a score?",
        ),
        Misconception(
            "softmax overflows",
            _overflowing,
            "Right, until a score is large: np.exp(800) is infinite, and infinity by infinity is NaN. What can be "
            "subtracted from a row of scores without changing a weight?",
        ),
        Misconception(
            "base ignored",
            lambda q, k, v, keys, values, offset, base: attend_chunk(q, k, v, keys, values, offset, 10_000.0),
            "The new tokens turn with base 10 000 whatever `base` says. With which base was the cache filled?",
        ),
    ],
    hints=[
        "New token i stands at offset + i. Rotate its query and its key, leave the cache and all values alone.",
        "Put the new keys behind those of the cache. Key number c + i, after c cached ones, belongs to new token i.",
        "Column j is hidden from row i where j > c + i: np.where(hidden, -np.inf, scores). Then subtract each row's "
        "largest score before np.exp.",
    ],
    explanation="Long prompts are read in such chunks, and speculative decoding checks several guesses in one pass. "
    "The mask belongs in the lower right corner: some fast attention functions put it into the upper left one.",
)
