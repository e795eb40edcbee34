"""A badge for speed, where there is a GPU: what share of a copy the reader's kernel reaches. It is worth no points."""

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ropelib import environment

LEVELS = ((0.9, "gold"), (0.6, "silver"), (0.3, "bronze"))
HEADER = "import triton\nimport triton.language as tl\n\n\n"


def badge(kernel: Any) -> float | None:
    """Time rows_kernel of exercise 12/4 beside a copy of the same bytes, and print what it earns.

    kernel:  with @triton.jit; it is compiled in a process of its own, since the notebook's Triton interprets
    returns: the time of the copy over that of the kernel, or None where there is no GPU or no right result yet
    """
    if not environment.has_gpu():
        print("No badge: it needs an NVIDIA GPU, and there is none here. Your points do not depend on it.")
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kernel.py"
        path.write_text(HEADER + inspect.getsource(getattr(kernel, "fn", kernel)), encoding="utf-8")
        command = [sys.executable, "-m", "ropelib.kernels.rows_speed", str(path), getattr(kernel, "__name__", "")]
        free = {key: value for key, value in os.environ.items() if key != "TRITON_INTERPRET"}
        ran = subprocess.run(command, capture_output=True, text=True, env=free)
    if ran.returncode:
        print(f"No badge yet. {ran.stderr.strip().splitlines()[-1] if ran.stderr.strip() else 'The kernel failed.'}")
        return None
    measured = json.loads(ran.stdout)
    share = measured["copy"] / measured["kernel"]
    won = next((name for least, name in LEVELS if share >= least), "no badge yet")
    copy, block = f"a copy of the same bytes {measured['copy']:.0f} µs", measured["block"]
    print(f"{measured['kernel']:.0f} µs with BLOCK={block}; {copy}")
    print(f"{share:.0%} of a copy: {won} (gold from 90 %, silver from 60 %, bronze from 30 %)")
    return share
