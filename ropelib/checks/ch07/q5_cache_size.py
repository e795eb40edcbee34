"""How many numbers a token leaves in the cache, for three kinds of attention."""

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case

HEADS, GROUPS, HEAD_DIM, LATENT, ROTARY = 96, 8, 128, 512, 64
LAYERS, TOKENS, BYTES = 88, 32_768, 2


def cache_size() -> dict[str, float]:
    multi_head = 2 * 96 * 128
    grouped = 2 * 8 * 128
    latent = 512 + 64
    return {
        "multi_head": multi_head,
        "grouped": grouped,
        "latent": latent,
        "grouped_gib": grouped * 88 * 32_768 * 2 / 2**30,
        "groups_at_par": latent / (2 * 128),
    }


def _gib(numbers: float) -> float:
    return numbers * LAYERS * TOKENS * BYTES / 2**30


def _with(grouped: float) -> dict[str, float]:
    return {"grouped": grouped, "grouped_gib": _gib(grouped)}


def _with_latent(latent: float) -> dict[str, float]:
    return {"latent": latent, "groups_at_par": latent / (2 * HEAD_DIM)}


def _keys_only() -> dict[str, float]:
    at_par = (LATENT + ROTARY) / HEAD_DIM
    return {"multi_head": HEADS * HEAD_DIM, **_with(GROUPS * HEAD_DIM), "groups_at_par": at_par}


def _with_queries() -> dict[str, float]:
    multi_head = 3 * HEADS * HEAD_DIM
    return {"multi_head": multi_head, **_with((HEADS + 2 * GROUPS) * HEAD_DIM)}


QUESTION = Question(
    name="cache_size",
    title="What a token leaves behind",
    objective="count the cache of multi-head, grouped-query and latent attention, with what RoPE adds to it",
    difficulty="warm-up",
    minutes=10,
    points=3,
    reference=cache_size,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in cache_size()],
    misconceptions=[
        Misconception(
            "keys only",
            _keys_only,
            "This counts the keys only. What else does a later query need from a token, and how long is that?",
        ),
        Misconception(
            "queries cached",
            _with_queries,
            "This counts the queries as well. Which token will ever ask for the query of an earlier one?",
        ),
        Misconception(
            "every query head has keys",
            lambda: _with(2 * HEADS * HEAD_DIM),
            "This gives every query head its own keys and values. With grouped queries, how many heads have any?",
        ),
        Misconception(
            "query heads of a group",
            lambda: _with(2 * HEADS // GROUPS * HEAD_DIM),
            "96/8 = 12 query heads share one head of keys and values. Is it 12 or 8 that lie in the cache?",
        ),
        Misconception(
            "rotary part forgotten",
            lambda: _with_latent(LATENT),
            "This is the latent vector alone. It carries no position: where does the rotated part of the key live?",
        ),
        Misconception(
            "rotary part in every head",
            lambda: _with_latent(LATENT + HEADS * ROTARY),
            "This keeps a rotary part for every head. How many of them does DeepSeek's way out need?",
        ),
        Misconception(
            "latent vector twice",
            lambda: _with_latent(2 * LATENT + ROTARY),
            "This keeps one latent vector for keys and another one for values. From what are both of them made?",
        ),
        Misconception(
            "keys and values of the latent part",
            lambda: _with_latent(2 * (LATENT + ROTARY)),
            "This doubles the latent cache for keys and values. One latent vector serves both, and values are not "
            "rotated: what is left to double?",
        ),
        Misconception(
            "one layer",
            lambda: {"grouped_gib": _gib(cache_size()["grouped"]) / LAYERS},
            "That is the cache of a single layer. Does a layer's cache serve the other 87?",
        ),
        Misconception(
            "numbers instead of bytes",
            lambda: {"grouped_gib": _gib(cache_size()["grouped"]) / BYTES},
            "That takes one byte a number. How many bytes has a number of 16 bits?",
        ),
        Misconception(
            "four bytes a number",
            lambda: {"grouped_gib": _gib(cache_size()["grouped"]) * 2},
            "That takes four bytes a number, as float32 would. How many bytes has a number of 16 bits?",
        ),
        Misconception(
            "gigabytes",
            lambda: {"grouped_gib": _gib(cache_size()["grouped"]) * 2**30 / 10**9},
            "That is in gigabytes of 10⁹ bytes. How many bytes has a GiB?",
        ),
        Misconception(
            "latent against keys alone",
            lambda: {"groups_at_par": (LATENT + ROTARY) / HEAD_DIM},
            "That many vectors of 128 numbers are as large as the latent cache. How many vectors does one group "
            "keep for a token?",
        ),
        Misconception(
            "how many times smaller",
            lambda: {"groups_at_par": cache_size()["grouped"] / cache_size()["latent"]},
            "That is how many times smaller the latent cache is than that of 8 groups. How many groups would make the "
            "two equal?",
        ),
    ],
    hints=[
        "A token leaves one key and one value for every head that has keys and values of its own.",
        "The latent cache keeps one latent vector for keys and values together, and one rotary part for all heads.",
        "A cache in bytes: numbers a token and layer, times layers, times tokens, times bytes a number. A GiB has "
        "2³⁰ bytes.",
    ],
    explanation="Latent attention costs as much cache as two and a quarter groups, and every one of the 96 heads still "
    "has its own keys. Of its 576 numbers, 64 are the price of RoPE.",
)
