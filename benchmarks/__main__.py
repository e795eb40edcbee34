"""Run one benchmark: python -m benchmarks [a name of NAMES] [its arguments].

Without a name: the kernels on a machine with an NVIDIA GPU, RoPE on the CPU elsewhere.
"""

import runpy
import sys

import torch

NAMES = ("kernels", "steps", "rope_on_cpu", "language_model", "long_context", "three_ways", "grading", "widgets")


def main() -> None:
    name, arguments = (sys.argv[1], sys.argv[2:]) if sys.argv[1:2] and sys.argv[1] in NAMES else (None, sys.argv[1:])
    if name is None and arguments and not arguments[0].startswith("-"):
        sys.exit(f"There is no benchmark {arguments[0]!r}: name one of {', '.join(NAMES)}.")
    if name is None:
        name = "kernels" if torch.cuda.is_available() else "rope_on_cpu"
        if name == "rope_on_cpu":
            print(
                "The kernel benchmark needs an NVIDIA GPU and finds none, so this measures RoPE on the CPU.", flush=True
            )
    sys.argv = [name, *arguments]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")


if __name__ == "__main__":
    main()
