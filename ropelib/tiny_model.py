"""A language model of single characters, small enough to be trained while you watch.

Everything but positions is the same in every model made here; how positions enter is one piece, its scheme.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ropelib.ops import apply_rope, build_rope_cache


class Scheme(nn.Module):
    """No positions, and the three places where a scheme can bring them in. Each of the others uses one place.

    heads, head_dim: of the model's attention; positions: (seq,) integers
    """

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__()
        self.heads, self.head_dim = heads, head_dim

    def add(self, x: Tensor, positions: Tensor) -> Tensor:
        """(batch, seq, heads · head_dim) embeddings, before the first layer."""
        return x

    def bias(self, positions: Tensor) -> Tensor:
        """What is added to the scores of every layer: (heads, seq, seq), or what broadcasts to it."""
        return torch.zeros(1, 1, 1)

    def rotate(self, q: Tensor, k: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """(batch, heads, seq, head_dim) queries and keys of every layer."""
        return q, k


class Sinusoids(Scheme):
    """Add sines and cosines of the position to the embeddings. Vaswani et al. 2017, §3.5."""

    def add(self, x: Tensor, positions: Tensor) -> Tensor:
        width = x.shape[-1]
        angles = positions[:, None] * 10_000.0 ** (-torch.arange(0, width, 2) / width)
        return x + torch.cat([angles.sin(), angles.cos()], dim=-1)


class T5Bias(Scheme):
    """Add to each score a trained number, one for each head and range of distances. Raffel et al. 2020, §2.1."""

    def __init__(self, heads: int, head_dim: int) -> None:
        super().__init__(heads, head_dim)
        self.table = nn.Parameter(torch.zeros(heads, 16))

    def bias(self, positions: Tensor) -> Tensor:
        return self.table[:, t5_bucket(positions[:, None] - positions, buckets=16, farthest=32)]


class Alibi(Scheme):
    """Take from each score the distance times the head's slope. Press et al. 2022, §3."""

    def bias(self, positions: Tensor) -> Tensor:
        slopes = 2.0 ** (-8 * torch.arange(1, self.heads + 1) / self.heads)
        return -slopes[:, None, None] * (positions[:, None] - positions).abs()


class Rope(Scheme):
    """Turn queries and keys by their positions. Su et al. 2021, eq. 34."""

    def rotate(self, q: Tensor, k: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        cos, sin = build_rope_cache(int(positions[-1]) + 1, self.head_dim)
        return apply_rope(q, k, cos, sin, position_ids=positions)


SCHEMES: dict[str, type[Scheme]] = {
    "none": Scheme,
    "sinusoids added": Sinusoids,
    "T5 bias": T5Bias,
    "ALiBi": Alibi,
    "RoPE": Rope,
}


def t5_bucket(distances: Tensor, buckets: int = 32, farthest: int = 128) -> Tensor:
    """The range of each distance back: one for each of 0 to 15, then ever wider ones; the last has no end.

    distances: query position minus key position, any shape; what lies ahead (negative) counts as 0
    Raffel et al. 2020, §2.1, as their code has it for decoders.
    """
    exact = buckets // 2
    back = distances.clamp(min=0)
    growth = torch.log(back.clamp(min=exact) / exact) / math.log(farthest / exact)
    wide = exact + (growth * (buckets - exact)).long()
    return torch.where(back < exact, back, wide.clamp(max=buckets - 1))


class Block(nn.Module):
    """Causal attention and a feed-forward layer, each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before_attention, self.before_feed_forward = nn.LayerNorm(width), nn.LayerNorm(width)
        self.to_qkv, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.feed_forward = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor, scheme: Scheme, positions: Tensor, bias: Tensor) -> Tensor:
        qkv = self.to_qkv(self.before_attention(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        q, k = scheme.rotate(q, k, positions)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
        x = x + self.out(attended.transpose(1, 2).flatten(-2))
        return x + self.feed_forward(self.before_feed_forward(x))


class TinyModel(nn.Module):
    """Predicts the next character: two layers, four heads, and one scheme of positions.

    vocabulary: number of different characters
    scheme:     a name from SCHEMES

    Raises ValueError for another name.
    """

    def __init__(self, vocabulary: int, scheme: str, *, width: int = 64, heads: int = 4, layers: int = 2) -> None:
        if scheme not in SCHEMES:
            raise ValueError(f"scheme must be one of {', '.join(map(repr, SCHEMES))}, but got {scheme!r}")
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary)
        self.scheme = SCHEMES[scheme](heads, width // heads)  # last: every scheme starts from the same weights

    def forward(self, tokens: Tensor, first: int = 0) -> Tensor:
        """(batch, seq) characters → (batch, seq, vocabulary) logits of the one that comes next.

        first: the position of the first character; the others count on from it
        """
        positions = torch.arange(first, first + tokens.shape[1])
        future = torch.full((len(positions), len(positions)), -torch.inf).triu(1)
        bias = self.scheme.bias(positions) + future
        x = self.scheme.add(self.embedding(tokens), positions)
        for block in self.blocks:
            x = block(x, self.scheme, positions, bias)
        return self.head(self.norm(x))
