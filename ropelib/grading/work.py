"""One unit of work, the same in a thread here and on a worker of a Dask cluster."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ropelib.grading import lane
from ropelib.grading.assignment import Assignment
from ropelib.grading.inside.isolation import Limits
from ropelib.grading.runner import Grading, Seconds, seed_of
from ropelib.grading.sandbox import Isolation, SandboxFailed

Records = Iterator[dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What all submissions of a run share.

    seed: secret; from it comes the seed of each assignment
    """

    seed: int
    isolation: Isolation = "fork"
    seconds: Seconds = field(default_factory=Seconds)
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True)
class Job:
    """One submission to grade.

    key: of everything that its grade depends on
    """

    student: str
    assignment: Assignment
    content: bytes
    key: str
    settings: Settings


def grade(job: Job) -> dict[str, Any]:
    """The record of one submission. Never raises for what is in it; "not graded" where the sandbox failed."""
    settings = job.settings
    here = lane.of_this_thread(settings.isolation, settings.limits)
    seed = seed_of(settings.seed, job.assignment.name)
    try:
        record = Grading(job.content, job.assignment, seed, settings.seconds, here).record()
    except SandboxFailed as error:
        record = {"outcome": "not graded", "reason": f"the sandbox failed: {error}"}
    return {"student": job.student, "assignment": job.assignment.name, "key": job.key, **record}
