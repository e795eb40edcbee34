"""From a token of a head to the program that rotates it: the kernel's division, backwards."""

from ropelib.checks.ch13.rooms import ANSWERED_BY
from ropelib.checks.core import Misconception, Question
from ropelib.checks.inputs import fair, generator
from ropelib.checks.observe import Case


def program_of(
    is_key: bool,
    text: int,
    head: int,
    token: int,
    seq: int,
    heads: tuple[int, int],
    tile: tuple[int, int],
    tokens_first: bool,
) -> int:
    q_groups, k_groups = (-(-count // tile[1]) for count in heads)
    group = head // tile[1] + (q_groups if is_key else 0)
    groups, blocks, block = q_groups + k_groups, -(-seq // tile[0]), token // tile[0]
    inner = group * blocks + block if tokens_first else block * groups + group
    return text * groups * blocks + inner


def _cases(seed: int) -> list[Case]:
    rng = generator(13, 3, seed)

    def any_token(
        label: str,
        is_key: bool,
        text: int,
        heads: tuple[int, int],
        tile: tuple[int, int],
        tokens_first: bool,
        weight: float = 2.0,
    ) -> Case:
        def draw() -> Case:
            head = 5 if is_key else int(rng.integers(9, 14))
            token, seq = int(rng.integers(34, 60)), int(rng.integers(70, 90))
            return Case(label, (is_key, text, head, token, seq, heads, tile, tokens_first), weight=weight)

        return fair(draw, program_of, [_order_exchanged])

    return [
        Case("the second block of a lonely head", (False, 0, 0, 17, 40, (1, 1), (16, 1), False)),
        any_token("a query, heads first", False, 2, (14, 6), (8, 4), False, weight=1),
        any_token("a query, tokens first", False, 1, (14, 6), (8, 4), True),
        any_token("a key, heads first", True, 2, (14, 6), (8, 4), False),
        any_token("a key, tokens first", True, 3, (13, 6), (16, 2), True),
    ]


def _solve(
    is_key: bool,
    text: int,
    head: int,
    token: int,
    seq: int,
    heads: tuple[int, int],
    tile: tuple[int, int],
    tokens_first: bool,
    *,
    up: bool = True,
    behind: bool = True,
    texts: bool = True,
    together: bool = False,
) -> int:
    rounding = (lambda a, b: -(-a // b)) if up else (lambda a, b: a // b)
    q_groups, k_groups = (rounding(count, tile[1]) for count in heads)
    group = head // tile[1] + (q_groups if is_key and behind else 0)
    groups = q_groups + k_groups
    if together:
        group = (head + (heads[0] if is_key else 0)) // tile[1]
        groups = rounding(sum(heads), tile[1])
    blocks, block = rounding(seq, tile[0]), token // tile[0]
    inner = group * blocks + block if tokens_first else block * groups + group
    return (text * groups * blocks if texts else 0) + inner


def _order_exchanged(*given: object) -> int:
    return program_of(*given[:-1], not given[-1])


def _heads_first_always(*given: object) -> int:
    return program_of(*given[:-1], False)


def _head_for_group(
    is_key: bool,
    text: int,
    head: int,
    token: int,
    seq: int,
    heads: tuple[int, int],
    tile: tuple[int, int],
    tokens_first: bool,
) -> int:
    group, groups = head + (heads[0] if is_key else 0), sum(heads)
    blocks, block = -(-seq // tile[0]), token // tile[0]
    inner = group * blocks + block if tokens_first else block * groups + group
    return text * groups * blocks + inner


def _token_for_block(
    is_key: bool,
    text: int,
    head: int,
    token: int,
    seq: int,
    heads: tuple[int, int],
    tile: tuple[int, int],
    tokens_first: bool,
) -> int:
    return program_of(is_key, text, head, token, seq, heads, (1, tile[1]), tokens_first)


def _behind_all_heads(*given: object) -> int:
    is_key, _, _, _, seq, heads, tile, tokens_first = given
    q_groups = -(-heads[0] // tile[1])
    blocks = -(-seq // tile[0])
    extra = (heads[0] - q_groups) * (blocks if tokens_first else 1)
    return program_of(*given) + (extra if is_key else 0)


def _wrong_multiplier(
    is_key: bool,
    text: int,
    head: int,
    token: int,
    seq: int,
    heads: tuple[int, int],
    tile: tuple[int, int],
    tokens_first: bool,
) -> int:
    q_groups, k_groups = (-(-count // tile[1]) for count in heads)
    group = head // tile[1] + (q_groups if is_key else 0)
    groups, blocks, block = q_groups + k_groups, -(-seq // tile[0]), token // tile[0]
    inner = group * groups + block if tokens_first else block * blocks + group
    return text * groups * blocks + inner


QUESTION = Question(
    name="program_of",
    title="Which program was it?",
    objective="follow the numbering of programs in both orders, for queries and for keys",
    difficulty="moderate",
    minutes=15,
    points=4,
    reference=program_of,
    cases=_cases,
    answered_by=ANSWERED_BY,
    misconceptions=[
        Misconception(
            "the two orders exchanged",
            _order_exchanged,
            "The two orders have changed places. With `tokens_first`, which of the two moves on when the number of the "
            "program grows by 1: the block of tokens or the group of heads?",
        ),
        Misconception(
            "one order only",
            _heads_first_always,
            "Right where heads come first. What should `tokens_first` change?",
        ),
        Misconception(
            "keys in the place of queries",
            lambda *given: _solve(*given, behind=False),
            "Your programs of k have the numbers of programs of q. How many groups of q come before those of k?",
        ),
        Misconception(
            "q and k in one tile",
            lambda *given: _solve(*given, together=True),
            "This numbers the heads of q and k through, so that a tile may hold the last of q and the first of k. k "
            "begins with a group of its own: round q's up.",
        ),
        Misconception(
            "rounded down",
            lambda *given: _solve(*given, up=False),
            "Blocks and groups that are not full need a program too. What does 14 // 4 leave over?",
        ),
        Misconception(
            "first text only",
            lambda *given: _solve(*given, texts=False),
            "Right in the first text. How many programs has each text before this one?",
        ),
        Misconception(
            "heads for groups",
            _head_for_group,
            "This counts heads where groups of heads are meant. How many heads has a tile?",
        ),
        Misconception(
            "tokens for blocks",
            _token_for_block,
            "This counts tokens where blocks of tokens are meant. How many tokens has a tile?",
        ),
        Misconception(
            "keys behind the heads of q",
            _behind_all_heads,
            "Your programs of k begin behind as many groups as q has *heads*. How many groups has q?",
        ),
        Misconception(
            "multiplied by its own number",
            _wrong_multiplier,
            "One of the two is multiplied by how many there are of itself. With heads first, how many programs pass "
            "until the next block of tokens begins: all blocks, or all groups?",
        ),
    ],
    hints=[
        "First: which block of tokens, and which group of heads? Groups of k come after those of q.",
        "Heads first: block · groups + group. Tokens first: group · blocks + block.",
        "Every text has groups · blocks programs, with both numbers rounded up, and q and k rounded up apart.",
    ],
    explanation="The kernel does the opposite with quotients and remainders. Programs with neighbouring numbers run at "
    "about the same time, so this numbering decides which addresses are asked for together.",
)
