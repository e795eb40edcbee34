"""How far context extension carries a real model: what chapter 09 shows of it, measured once and written down.

python -m benchmarks.long_context                      everything, about a quarter of an hour on 2 cores
python -m benchmarks.long_context --parts copy cuts    some of it; the other parts of the results stay

copy:       tokens, a gap in the positions, and the same tokens again: the loss of the second time, rule by rule
cuts:       the same, where the pairs from one on are divided by 4 and the others stay
perplexity: one forward of 16 384 tokens a rule, its loss by blocks of 1024

Needs the language model and Shakespeare, which `make lab` fetches. No rule is trained here: all are applied to the
model as it is.
"""

import argparse
import datetime
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ropelib import language_model, scaling, texts
from ropelib.language_model import LanguageModel, Rope

RESULTS = Path(__file__).parent / "results"
FACTOR, TRAINED = 4.0, 8192
TITLES, PASSAGE = ("hamlet", "macbeth"), 160
FIRST = 20_000  # the character at which a passage begins: beyond a list of persons, amid a scene
GAPS = (0, 4000, 5000, 6000, 7000, 8000, 10_000, 12_000, 14_000, 16_000, 20_000, 24_000, 32_000)
CUTS, CUT_GAPS = range(0, 33, 4), (0, 8000, 12_000)
LONG, BLOCK = 16_384, 1024
PERPLEXITY = ("none", "NTK 4", "YaRN 4")  # a minute or two each

Save = Callable[[str, dict], None]  # the name of a part, and what has been measured of it so far


def rules(head_dim: int, base: float) -> dict[str, Rope]:
    """Name → the RoPE of this rule, in the order in which the chapter meets them."""
    trained = {"factor": FACTOR, "original_max_position_embeddings": TRAINED}
    found = {
        "none": scaling.default(head_dim, base),
        "linear 4": scaling.linear(head_dim, base, factor=FACTOR),
        "NTK 4": scaling.ntk(head_dim, base, factor=FACTOR),
        "NTK 8": scaling.ntk(head_dim, base, factor=2 * FACTOR),
        "YaRN 4": scaling.yarn(head_dim, base, **trained),
        "YaRN 4 unsharpened": scaling.yarn(head_dim, base, attention_factor=1.0, **trained),
        "Llama 3 4": scaling.llama3(head_dim, base, low_freq_factor=1.0, high_freq_factor=4.0, **trained),
    }
    return {name: Rope(inv_freq, attention_factor) for name, (inv_freq, attention_factor) in found.items()}


def passages(model: LanguageModel) -> list[torch.Tensor]:
    found = [model.tokenizer.encode(texts.shakespeare(title)[FIRST : FIRST + 2000]).ids for title in TITLES]
    return [torch.tensor(ids[:PASSAGE]) for ids in found]


def copy_losses(model: LanguageModel, ids: torch.Tensor, gaps: Sequence[int], rope: Rope) -> list[float]:
    """Nats a token for the second time of ids, whose positions go on so many tokens after the first time.

    The keys and values of the first time do not depend on the gap: they are computed once.
    """
    cache, losses = model.cache(2 * len(ids)), []
    model.hidden(ids, rope=rope, cache=cache)
    for gap in gaps:
        cache.length = len(ids)
        positions = len(ids) + gap + torch.arange(len(ids))
        losses.append(round(float(model.losses(ids, positions=positions, rope=rope, cache=cache).mean()), 4))
    return losses


def copy(model: LanguageModel, save: Save) -> None:
    ids = passages(model)
    found = {"titles": TITLES, "tokens": PASSAGE, "gaps": GAPS}
    found["first time"] = [round(float(model.losses(text).mean()), 4) for text in ids]
    found["second time"] = {}
    for name, rope in rules(model.config.head_dim, model.config.base).items():
        found["second time"][name] = [copy_losses(model, text, GAPS, rope) for text in ids]
        save("copy", found)


def cuts(model: LanguageModel, save: Save) -> None:
    ids, pairs = passages(model), np.arange(model.config.head_dim // 2)
    found = {"factor": FACTOR, "gaps": CUT_GAPS, "second time": {}}
    for cut in CUTS:
        rope = replace(model.rope, inv_freq=model.rope.inv_freq / np.where(pairs < cut, 1.0, FACTOR))
        found["second time"][str(cut)] = [copy_losses(model, text, CUT_GAPS, rope) for text in ids]
        save("cuts", found)


def perplexity(model: LanguageModel, save: Save) -> None:
    ids = torch.tensor(model.tokenizer.encode(texts.shakespeare("hamlet")).ids[: LONG + 1])
    known = rules(model.config.head_dim, model.config.base)
    found = {"title": "hamlet", "tokens": LONG, "block": BLOCK, "loss": {}, "seconds": {}}
    for name in PERPLEXITY:
        started = time.perf_counter()
        blocks = model.losses(ids, rope=known[name]).double().reshape(-1, BLOCK).mean(1)
        found["loss"][name] = [round(float(loss), 4) for loss in blocks]
        found["seconds"][name] = round(time.perf_counter() - started)
        save("perplexity", found)


def machine(seconds: float) -> dict:
    names = [line.split(":")[1].strip() for line in _cpuinfo() if line.startswith("model name")]
    return {
        "processor": names[0] if names else platform.processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "Python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "seconds": round(seconds),
    }


def _cpuinfo() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


PARTS = {"copy": copy, "cuts": cuts, "perplexity": perplexity}


def markdown(results: dict) -> str:
    """The means of the texts, and the perplexities, as tables."""
    lines = ["# A real model on long texts", "", "SmolLM2-135M-Instruct, trained length 8192; no rule was trained.", ""]
    for part in PARTS:
        if part in results:
            lines.append(f"- {part}: " + ", ".join(f"{key} {value}" for key, value in results[part]["machine"].items()))
    if found := results.get("copy"):
        lines += ["", "## Loss of a passage that comes a second time, after a gap (nats a token)", ""]
        lines += _table("rule", found["gaps"], _means(found), 2)
    if found := results.get("cuts"):
        lines += ["", f"## The same, with the pairs from one on divided by {found['factor']:g}", ""]
        lines += _table("first pair divided", found["gaps"], _means(found), 2)
    if found := results.get("perplexity"):
        ends = [f"to {(block + 1) * found['block']}" for block in range(found["tokens"] // found["block"])]
        lines += ["", f"## Perplexity by blocks of {found['block']} tokens, one forward of {found['title']}", ""]
        lines += _table("rule", ends, {name: np.exp(losses) for name, losses in found["loss"].items()}, 1)
    return "\n".join(lines) + "\n"


def _means(found: dict) -> dict:
    return {name: np.mean(losses, axis=0) for name, losses in found["second time"].items()}


def _table(corner: str, columns: list, rows: dict, digits: int) -> list[str]:
    head = [f"| {corner} | " + " | ".join(map(str, columns)) + " |", "|---|" + "---:|" * len(columns)]
    lines = {name: " | ".join(f"{value:.{digits}f}" for value in values) for name, values in rows.items()}
    return head + [f"| {name} | {line} |" for name, line in lines.items()]


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a real model on long texts.")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    path, model = options.out / "long_context.json", language_model.load()
    for part in options.parts:
        command = f"python -m benchmarks.long_context --parts {part} --threads {options.threads}"
        started = time.perf_counter()

        def save(part: str, found: dict, command: str = command, started: float = started) -> None:
            seconds = time.perf_counter() - started
            results = json.loads(path.read_text()) if path.exists() else {}
            results[part] = {"machine": {**machine(seconds), "command": command}, **found}
            path.write_text(json.dumps(results, indent=1) + "\n")
            (options.out / "long_context.md").write_text(markdown(results))
            print(f"{part}: {seconds:.0f} s", flush=True)

        PARTS[part](model, save)
    return 0


if __name__ == "__main__":
    sys.exit(main())
