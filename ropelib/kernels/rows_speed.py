"""The time of a reader's rows_kernel on a GPU, beside a copy: python -m ropelib.kernels.rows_speed FILE NAME"""

import importlib.util
import json
import sys
from collections.abc import Callable
from typing import Any

import torch
import triton
from torch import Tensor

from ropelib.ops import build_rope_cache, rope_torch

SEQ, HEADS, HEAD_DIM, BLOCKS = 16_384, 32, 128, (1, 2, 4, 8, 16, 32)


def load(path: str, name: str) -> Any:
    spec = importlib.util.spec_from_file_location("reader", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)


def turn(kernel: Any, x: Tensor, out: Tensor, cos: Tensor, sin: Tensor, ids: Tensor, block: int) -> None:
    seq, heads, head_dim = x.shape
    pairs = head_dim // 2
    sizes = {"PAIRS": pairs, "BLOCK": block, "BLOCK_PAIRS": triton.next_power_of_2(pairs)}
    kernel[(triton.cdiv(seq, block), heads)](x, out, cos, sin, ids, seq, heads, SIGN=1, **sizes)


def microseconds(call: Callable[[], object]) -> float:
    return 1000 * triton.testing.do_bench(call)


def main(path: str, name: str) -> None:
    kernel = load(path, name)
    cos, sin = build_rope_cache(SEQ, HEAD_DIM, device="cuda")
    ids = torch.randperm(SEQ, device="cuda")
    x = torch.randn(SEQ, HEADS, HEAD_DIM, device="cuda")
    out = torch.full_like(x, 99)
    right, _ = rope_torch(x[None], x[None], cos, sin, position_ids=ids, pairing="interleaved", seq_dim=1)
    turn(kernel, x, out, cos, sin, ids, 32)
    if not torch.allclose(out, right[0], atol=1e-4):
        sys.exit("Its results are not right on the GPU: first let .check() be satisfied.")
    times = {b: microseconds(lambda b=b: turn(kernel, x, out, cos, sin, ids, b)) for b in BLOCKS}
    best = min(times, key=times.get)
    print(json.dumps({"block": best, "kernel": times[best], "copy": microseconds(lambda: out.copy_(x))}))


if __name__ == "__main__":
    main(*sys.argv[1:])
