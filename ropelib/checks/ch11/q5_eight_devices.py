"""Bytes and a base for one layer of a real model on eight devices."""

from ropelib.checks.core import Misconception, Question
from ropelib.checks.observe import Case

HEADS, GROUPS, HEAD_DIM, BYTES = 32, 8, 128, 2
DEVICES, TOKENS, TRAINED = 8, 131_072, 32_768
SHARE = TOKENS // DEVICES


def eight_devices() -> dict[str, float]:
    share = 131_072 // 8
    vector = 128 * 2
    return {
        "ring": 7 * share * 2 * 8 * vector,
        "exchange": 7 / 8 * share * (32 + 8 + 8 + 32) * vector,
        "decode": 7 * 32 * (vector + vector + 4),
        "base": 500_000 * (4 * 131_072 / 32_768 - 3) ** (128 / 126),
    }


def _ring(hops: int = DEVICES - 1, vectors: int = 2 * GROUPS, number: int = BYTES) -> int:
    return hops * SHARE * vectors * HEAD_DIM * number


def _exchange(kept: float = 1 / DEVICES, vectors: int = 2 * HEADS + 2 * GROUPS, number: int = BYTES) -> float:
    return (1 - kept) * SHARE * vectors * HEAD_DIM * number


def _decode(asked: int = DEVICES - 1, per_head: int = 2 * HEAD_DIM * BYTES + 4, heads: int = HEADS) -> int:
    return asked * heads * per_head


def _base(length: float = TOKENS, factor: float = 4.0, exponent: float = HEAD_DIM / (HEAD_DIM - 2)) -> float:
    return 500_000 * (factor * length / TRAINED - (factor - 1)) ** exponent


QUESTION = Question(
    name="eight_devices",
    title="A real model on eight devices",
    objective="work out what one layer sends in ring attention, in an exchange of heads and in decoding, and which "
    "base all devices must use",
    difficulty="moderate",
    minutes=20,
    points=4,
    reference=eight_devices,
    cases=lambda seed: [Case(name, calls=False, entry=name) for name in eight_devices()],
    tolerance=1e-3,
    misconceptions=[
        Misconception(
            "keys and values in every query head",
            lambda: {"ring": _ring(vectors=2 * HEADS), "exchange": _exchange(vectors=4 * HEADS)},
            "This gives every query head keys and values of its own. With grouped queries, how many heads have any?",
        ),
        Misconception(
            "keys without values",
            lambda: {"ring": _ring(vectors=GROUPS), "exchange": _exchange(vectors=2 * HEADS + GROUPS)},
            "The keys travel here and the values do not. What does a device do with its weights once it has them?",
        ),
        Misconception(
            "numbers instead of bytes",
            lambda: {"ring": _ring(number=1), "exchange": _exchange(number=1)},
            "That counts numbers. How many bytes has a number of 16 bits?",
        ),
        Misconception(
            "all devices together",
            lambda: {"ring": DEVICES * _ring(), "exchange": DEVICES * _exchange()},
            "That is what all eight devices send together. What does one of them send?",
        ),
        Misconception(
            "a share more than needed",
            lambda: {"ring": _ring(hops=DEVICES), "exchange": _exchange(kept=0)},
            "Here a device sends eight times, or all that it has. How often must a share move to be everywhere, and "
            "which part of the heads does a device keep?",
        ),
        Misconception(
            "one hop",
            lambda: {"ring": _ring(hops=1)},
            "That is one lap. Every share visits all the other devices: how often does a device pass something on?",
        ),
        Misconception(
            "queries in the ring",
            lambda: {"ring": _ring(vectors=HEADS + 2 * GROUPS)},
            "The queries travel round the ring as well. What comes to them, so that they can stay at home?",
        ),
        Misconception(
            "the outputs stay away",
            lambda: {"exchange": _exchange(vectors=HEADS + 2 * GROUPS)},
            "Queries, keys and values are exchanged. The outputs stand on the devices of their heads afterwards: where "
            "are they needed?",
        ),
        Misconception(
            "queries stay at home",
            lambda: {"exchange": _exchange(vectors=2 * GROUPS)},
            "Only keys and values are exchanged here. A device works on the *whole* text of its heads: what else does "
            "it need, and what does it give back?",
        ),
        Misconception(
            "only the answers",
            lambda: {"decode": _decode(per_head=HEAD_DIM * BYTES + 4)},
            "These are the answers. What did the other devices have to know before they could give them?",
        ),
        Misconception(
            "only the questions",
            lambda: {"decode": _decode(per_head=HEAD_DIM * BYTES)},
            "These are the queries alone, or outputs without the number that joins them. What comes back for every "
            "head?",
        ),
        Misconception(
            "outputs without their weight",
            lambda: {"decode": _decode(per_head=2 * HEAD_DIM * BYTES)},
            "Queries go out and outputs come back. How is one to know how much each output counts?",
        ),
        Misconception(
            "one head",
            lambda: {"decode": _decode(heads=1)},
            "That is one head. Each head has a query of its own, and an answer: how many are there?",
        ),
        Misconception(
            "one answer for each group",
            lambda: {"decode": _decode(heads=GROUPS)},
            "This counts the heads that have keys. Who asks: the heads of keys, or the heads of queries?",
        ),
        Misconception(
            "one device asked",
            lambda: {"decode": _decode(asked=1)},
            "That is what one device is asked and answers. Where do the keys of the other shares lie, and how many "
            "devices must be asked?",
        ),
        Misconception(
            "asks itself too",
            lambda: {"decode": _decode(asked=DEVICES)},
            "Eight devices are asked here. One of them is the device that asks: what must it send to itself?",
        ),
        Misconception(
            "the cache travels",
            lambda: {"decode": (TOKENS - SHARE) * 2 * GROUPS * HEAD_DIM * BYTES},
            "That moves the keys and values of seven devices to the one that asks, for every new token. What can "
            "travel in their place?",
        ),
        Misconception(
            "length of the share",
            lambda: {"base": 500_000.0},
            "The base has not changed. 16 384 tokens would not need it, but that is one device's share: how long is "
            "the text?",
        ),
        Misconception(
            "fixed factor or first form",
            lambda: {"base": 500_000 * 4 ** (HEAD_DIM / (HEAD_DIM - 2))},
            "That stretches by 4: a fixed factor, or the first dynamic form, which takes 131 072 / 32 768. Asked for "
            "is Hugging Face's form: what is 4 · 131 072 / 32 768 − 3?",
        ),
        Misconception(
            "base times the factor",
            lambda: {"base": 500_000 * 4.0},
            "The base is multiplied by 4. The setting is not the stretch: what is s for this length, and which power "
            "of it multiplies the base?",
        ),
        Misconception(
            "factor not taken off again",
            lambda: {"base": 500_000 * (4 * TOKENS / TRAINED) ** (HEAD_DIM / (HEAD_DIM - 2))},
            "The factor has not been taken off. What would this formula give at the trained length, and what should "
            "it give there?",
        ),
        Misconception(
            "exponent left out",
            lambda: {"base": _base(exponent=1.0)},
            "The base has grown by the stretch itself. The slowest pair is to be stretched by that much: which power "
            "of the base makes it turn?",
        ),
        Misconception(
            "exponent upside down",
            lambda: {"base": _base(exponent=(HEAD_DIM - 2) / HEAD_DIM)},
            "The exponent is upside down. Is 128/126 above 1 or below?",
        ),
    ],
    hints=[
        "In the ring a device passes on a share of keys and values seven times. In the exchange it gives away seven "
        "eighths of its queries, keys, values and outputs, once each.",
        "A vector has 128 · 2 bytes. 32 heads have queries and outputs, 8 have keys and values. In decoding a query "
        "goes out for every head, and an output and one number of 4 bytes come back.",
        "Dynamic NTK: base · (factor · length / trained − (factor − 1))^(d/(d − 2)), with the length of the *whole* "
        "text.",
    ],
    explanation="448 MiB in the ring against 280 MiB in the exchange: 1.6 times as much. With keys and values "
    "for all 32 heads the ring sends four times as much, 1792 MiB, and the exchange 448 MiB: the groups save more in "
    "the ring, which sends keys and values only. Decoding sends 113 KiB, where moving the cache would send 448 MiB.",
)
