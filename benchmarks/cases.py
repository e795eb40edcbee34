"""What is measured: shapes, types, pairings and layouts of queries and keys."""

from dataclasses import dataclass

import torch
from torch import Tensor

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


@dataclass(frozen=True)
class Case:
    name: str
    batch: int
    seq: int
    heads: tuple[int, int]
    head_dim: int
    dtype: str = "bf16"
    pairing: str = "half"
    layout: str = "bshd"
    rotary_dim: int | None = None
    backward: bool = False

    @property
    def traffic(self) -> int:
        """Bytes read and written by one forward pass."""
        return 2 * self.batch * self.seq * sum(self.heads) * self.head_dim * DTYPES[self.dtype].itemsize

    def tensors(self) -> tuple[Tensor, Tensor]:
        """q and k, (batch, heads, seq, head_dim), in memory as layout says."""
        q_heads, k_heads = self.heads
        options = {"device": "cuda", "dtype": DTYPES[self.dtype]}
        if self.layout == "bhsd":
            return tuple(torch.randn(self.batch, n, self.seq, self.head_dim, **options) for n in self.heads)
        if self.layout == "bshd":
            shapes = [(self.batch, self.seq, n, self.head_dim) for n in self.heads]
            return tuple(torch.randn(shape, **options).transpose(1, 2) for shape in shapes)
        fused = torch.randn(self.batch, self.seq, q_heads + 2 * k_heads, self.head_dim, **options)
        return fused[:, :, :q_heads].transpose(1, 2), fused[:, :, q_heads : q_heads + k_heads].transpose(1, 2)


def groups() -> dict[str, list[Case]]:
    large = [
        Case(
            f"{dtype} {pairing} {layout} {head_dim}",
            2 if dtype == "fp32" else 4,
            4096,
            (32, 8),
            head_dim,
            dtype,
            pairing,
            layout,
        )
        for head_dim in (128, 64)
        for pairing in ("half", "interleaved")
        for layout in ("bshd", "bhsd", "qkv")
        for dtype in ("bf16", "fp32", "fp16")
    ]
    odd = [
        Case("head_dim 80", 4, 4096, (40, 10), 80),
        Case("head_dim 96", 4, 4096, (40, 10), 96),
        Case("head_dim 112", 4, 4096, (24, 8), 112),
        Case("5 heads", 4, 8192, (5, 5), 128),
        Case("partial 64 of 128", 4, 4096, (32, 8), 128, rotary_dim=64),
    ]
    medium = [
        Case("medium half bshd", 1, 2048, (32, 8), 128),
        Case("medium half bhsd", 1, 2048, (32, 8), 128, layout="bhsd"),
        Case("medium interleaved bshd", 1, 2048, (32, 8), 128, pairing="interleaved"),
    ]
    source = [
        Case(f"source {head_dim} {seq}", 1, seq, (32, 32), head_dim, "fp16", "interleaved")
        for head_dim, seq in ((128, 2048), (128, 8192), (64, 2048))
    ]
    return {"large": large, "odd": odd, "medium": medium, "source": source}
