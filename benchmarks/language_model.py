"""How fast ropelib.language_model loads, reads and writes on a CPU, and where a token's time goes.

python -m benchmarks.language_model        about a minute on two quiet cores

A decoded token reads every weight once, so the reading of 0.5 GB is what a decode can at best cost: the table sets the
measured steps beside it. Medians of several rounds, in turn, in one process.
"""

import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace

import torch

from ropelib import language_model, texts

TOKENS, DECODED, ROUNDS = 512, 32, 5
# What ru_maxrss counts in: kilobytes on Linux, bytes on macOS.
UNIT = 1e9 if sys.platform == "darwin" else 1e6


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def multiply(model: language_model.LanguageModel) -> None:
    """The matrix products of one token, and nothing else."""
    x, inner = torch.ones(1, model.config.width), torch.ones(1, model.config.feed_forward)
    for block in model.blocks:
        for matrix in (block.attn_q, block.attn_k, block.attn_v, block.attn_output, block.ffn_gate, block.ffn_up):
            x @ matrix.T
        inner @ block.ffn_down.T
    x @ model.embeddings.T


def read(model: language_model.LanguageModel) -> None:
    """Each weight once, with as little arithmetic as there is."""
    for block in model.blocks:
        for name in ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"):
            getattr(block, name).max()
    model.embeddings.max()


@torch.inference_mode()
def main() -> None:
    started = time.perf_counter()
    model = language_model.load()
    loading = time.perf_counter() - started
    ids = model.tokenizer.encode(texts.shakespeare("hamlet")).ids[:TOKENS]
    still = replace(model.rope, layers=())

    def decode(rope: language_model.Rope) -> None:
        cache = model.cache(len(ids) + DECODED)
        model.hidden(ids[:8], rope=rope, cache=cache)
        for _ in range(DECODED):
            model.logits([5], rope=rope, cache=cache)

    steps = {
        f"prefill of {TOKENS} tokens": (lambda: model.hidden(ids), TOKENS),
        f"prefill of {TOKENS} tokens, no RoPE": (lambda: model.hidden(ids, rope=still), TOKENS),
        "decode": (lambda: decode(model.rope), DECODED),
        "decode, no RoPE": (lambda: decode(still), DECODED),
        "decode, its matrix products alone": (lambda: [multiply(model) for _ in range(DECODED)], DECODED),
        "decode, reading the weights alone": (lambda: [read(model) for _ in range(DECODED)], DECODED),
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(ROUNDS):
        for name, (step, tokens) in steps.items():
            taken[name].append(1000 * seconds(step) / tokens)
    weights = sum(getattr(b, name).nbytes for b in model.blocks for name in b.__dataclass_fields__)
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"load               {loading:6.2f} s")
    print(f"peak memory        {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / UNIT:6.2f} GB")
    print(f"weights            {(weights + model.embeddings.nbytes) / 1e9:6.2f} GB")
    for name, found in taken.items():
        middle = statistics.median(found)
        print(f"{name:36} {middle:7.3f} ms a token {1000 / middle:8.1f} tokens/s   {min(found):.3f} … {max(found):.3f}")


if __name__ == "__main__":
    main()
