"""What chapter 04 trains once, trained from several seeds: python -m benchmarks.three_ways --seeds 5

Writes results/three_ways.json and .md: loss on held-out text, in nats a character, by seed, scheme and window length,
and the same of one seed that is trained five times as long.
"""

import argparse
import json
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ropelib.tiny_model import SCHEMES
from ropelib.tiny_training import LENGTHS, Recipe, loss_at, race, texts

RESULTS = Path(__file__).parent / "results"
WINDOWS = 128
LONGER = 5 * Recipe.steps
SLOW_T5 = "T5 bias, common rate"


def measure(recipe: Recipe) -> dict[str, list[float]]:
    """scheme → the losses at LENGTHS of one model of each scheme, and of a T5 bias that learns no faster."""
    _, test, _ = texts(recipe)
    runs = race(list(SCHEMES), recipe, lambda losses: None)
    runs[SLOW_T5] = race(["T5 bias"], replace(recipe, scheme_rate=1.0), lambda losses: None)["T5 bias"]
    return {
        name: [round(loss_at(run.model, test, length, WINDOWS), 4) for length in LENGTHS] for name, run in runs.items()
    }


def report(results: dict) -> str:
    lines = ["# Five ways to tell position, from several seeds", ""]
    lines += [f"- {name}: {value}" for name, value in results["about"].items()]
    lines += ["", "Median over the seeds (lowest to highest), nats a character on held-out text.", ""]
    lines += ["| | " + " | ".join(map(str, results["lengths"])) + " |", "|---" * (1 + len(LENGTHS)) + "|"]
    for name, seeds in results["losses"].items():
        low, middle, high = (np.percentile(seeds, share, axis=0) for share in (0, 50, 100))
        cells = [f"{m:.2f} ({a:.2f} – {b:.2f})" for a, m, b in zip(low, middle, high, strict=True)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    if longer := results.get("longer"):
        lines += [
            "",
            f"One seed, {longer['steps']} steps, torch {longer['torch']}.",
            "",
            *lines[-len(results["losses"]) - 2 :][:2],
        ]
        for name, losses in longer["losses"].items():
            lines.append(f"| {name} | " + " | ".join(f"{loss:.2f}" for loss in losses) + " |")
    return "\n".join(lines) + "\n"


def keep(results: dict) -> None:
    (RESULTS / "three_ways.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "three_ways.md").write_text(report(results), encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    losses: dict[str, list[list[float]]] = {}
    about = {
        "seeds": 0,
        "recipe": str(Recipe()),
        "CPU": f"{platform.machine()}, {platform.system()}",
        "torch": torch.__version__,
        "date": time.strftime("%Y-%m-%d"),
        "command": f"python -m benchmarks.three_ways --seeds {arguments.seeds}",
    }
    results = {"about": about, "lengths": LENGTHS, "losses": losses}
    for seed in range(arguments.seeds):
        for name, by_length in measure(Recipe(seed=seed)).items():
            losses.setdefault(name, []).append(by_length)
        about["seeds"] = seed + 1
        keep(results)
        print(f"seed {seed} done", flush=True)
    results["longer"] = {"steps": LONGER, "torch": torch.__version__, "losses": measure(Recipe(steps=LONGER))}
    keep(results)


if __name__ == "__main__":
    main()
