"""Compile the kernels of test_triton_compile.py for Hopper, and print how wide they access bfloat16 tensors."""

import json
import re

import torch
import triton
from triton.backends.compiler import GPUTarget

from ropelib.kernels.cache import rope_cache_kernel
from ropelib.kernels.norm import norm_rope_kernel
from ropelib.triton_fast import rope_kernel


class Hopper:
    """The part of a driver that compiling asks for."""

    def get_current_target(self):
        return GPUTarget("cuda", 90, 32)

    def get_current_device(self):
        return 0

    def get_current_stream(self, device):
        return 0


X, TURNS = torch.empty(64, dtype=torch.bfloat16), torch.empty(64, dtype=torch.int64)
SEQ, HEADS, HEAD_DIM = 4096, (32, 8), 128
ANGLES = (TURNS, TURNS, TURNS)
HOW = (64, 0, 0)


def strides(heads, seq=SEQ):
    return seq * heads * HEAD_DIM, heads * HEAD_DIM, HEAD_DIM


def accesses(compiled):
    ptx = compiled.asm["ptx"]
    wide, narrow = r"(?:ld|st)\.global\S*\.v4\.b32", r"(?:ld|st)\.global\S*\.b16"
    return {"v4": len(re.findall(wide, ptx)), "two bytes": len(re.findall(narrow, ptx))}


def rope(order, interleaved, q_seq=SEQ):
    four = (strides(32, q_seq), strides(8)) * 2
    scalars = (0, (1.0, 1.0), 2**31 - 1, 0, 0, SEQ, *HEADS, four)
    blocks = (2, 4, 64, 1) if interleaved else (4, 4, 64, 1)
    fixed = (HOW, (8, 2), order, interleaved, 0, False, *blocks)
    return rope_kernel.warmup(X, X, X, X, *ANGLES, *scalars, *fixed, num_warps=2, grid=(1,))


def cache():
    six = (strides(32), strides(8)) * 3
    scalars = (0, (1.0, 1.0), 2**31 - 1, 0, 0, 0, 1, 8, 4096, SEQ, *HEADS, six)
    fixed = (True, HOW, (8, 2), "heads", False, 0, False, 4, 4, 64, 1)
    return rope_cache_kernel.warmup(*[X] * 6, TURNS, *ANGLES, *scalars, *fixed, num_warps=2, grid=(1,))


def norm():
    six = (strides(32), strides(8)) * 3
    scalars = (0, (1.0, 1.0), 1e-6, 2**31 - 1, 0, 0, 4, SEQ, *HEADS, 8, six)
    fixed = (HOW, True, 0, False, 4, 4, 64, 1)
    return norm_rope_kernel.warmup(*[X] * 8, torch.empty(4), *ANGLES, *scalars, *fixed, num_warps=2, grid=(1,))


if __name__ == "__main__":
    triton.runtime.driver.set_active(Hopper())
    kernels = {
        "rope": rope("heads", False),
        "rope, tokens first": rope("tokens", False),
        "rope, batch of one": rope("one sequence", False),
        "rope, interleaved": rope("heads", True),
        "rope, q beyond 2**31": rope("heads", False, q_seq=2**20),
        "cache": cache(),
        "norm": norm(),
    }
    print(json.dumps({name: accesses(kernel) for name, kernel in kernels.items()}))
