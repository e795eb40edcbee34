"""Spread the work: over threads here, each with sandboxes of its own, or over an existing Dask cluster.

Only a few submissions are in memory at a time, so that a thousand need no more than ten.
"""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, NoReturn, Protocol

from ropelib.grading import lane, probe
from ropelib.grading.assignment import digest_of_the_library
from ropelib.grading.sandbox import Isolation
from ropelib.grading.work import Job, Records, grade

SECONDS_TO_CONNECT = 15
AHEAD = 2


class Pool(Protocol):
    """Somewhere to grade."""

    name: str
    isolation: Isolation

    def grade(self, jobs: Iterator[Job]) -> Records:
        """Records in the order in which they are done."""

    def close(self) -> None:
        """Leave nothing behind."""


class LocalPool:
    """Threads of this process: nearly all work is done in their sandboxes, which are processes."""

    def __init__(self, isolation: Isolation, workers: int | None = None) -> None:
        self.isolation = isolation
        self._workers = workers or os.cpu_count() or 1
        self._threads = ThreadPoolExecutor(self._workers, thread_name_prefix="grading")
        self.name = f"{self._workers} at a time on this machine"

    def grade(self, jobs: Iterator[Job]) -> Records:
        return _windowed(jobs, functools.partial(self._threads.submit, grade), AHEAD * self._workers, _wait)

    def close(self) -> None:
        lane.abandon_all()
        self._threads.shutdown(cancel_futures=True)
        lane.close_all()


class DaskPool:
    """The workers of a Dask cluster that is already there, each with ropelib and bubblewrap installed."""

    def __init__(self, address: str, wanted: Isolation | None) -> None:
        """Connect. Raises probe.Refused where there is no scheduler, no worker, or a worker without a sandbox."""
        try:
            from dask.distributed import Client
        except ImportError as error:
            raise probe.Refused("--scheduler needs Dask: python -m pip install distributed") from error
        try:
            self._client = Client(address, timeout=SECONDS_TO_CONNECT)
        except (OSError, ValueError) as error:
            raise probe.Refused(f"no Dask scheduler answers at {address}: {error}") from error
        try:
            self._client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
        except TimeoutError:
            self._refuse(f"the Dask scheduler at {address} has no workers")
        threads = self._client.nthreads()
        for worker, digest in self._client.run(digest_of_the_library).items():
            if digest != digest_of_the_library():
                self._refuse(f"the Dask worker {worker} has another Python or another ropelib than this machine")
        self._workers = sum(threads.values())
        self.name = f"{len(threads)} Dask workers with {self._workers} threads"
        self.isolation = wanted or self._common_isolation()

    def grade(self, jobs: Iterator[Job]) -> Records:
        # Not pure: two students may hand in the same bytes, and each has a grade of its own.
        submit = functools.partial(self._client.submit, grade, pure=False)
        yield from _windowed(jobs, submit, AHEAD * self._workers, _wait_dask)
        self._client.run(lane.close_all)

    def close(self) -> None:
        self._client.close()

    def _common_isolation(self) -> Isolation:
        found = self._client.run(probe.isolation_or_reason)
        for worker, (isolation, reason) in found.items():
            if isolation is None:
                self._refuse(f"on the Dask worker {worker}: {reason}")
        return "fork" if all(isolation == "fork" for isolation, _ in found.values()) else "sandbox"

    def _refuse(self, reason: str) -> NoReturn:
        self.close()
        raise probe.Refused(reason)


Wait = Callable[[set[Any]], set[Any]]


def _windowed(jobs: Iterator[Job], submit: Callable[[Job], Any], most: int, wait_for_some: Wait) -> Records:
    """Submit jobs while fewer than most are under way, and yield what is done."""
    under_way: dict[Any, Job] = {}
    for job in jobs:
        under_way[submit(job)] = job
        if len(under_way) >= most:
            yield from _done(under_way, wait_for_some)
    while under_way:
        yield from _done(under_way, wait_for_some)


def _done(under_way: dict[Any, Job], wait_for_some: Wait) -> Records:
    for future in wait_for_some(set(under_way)):
        job = under_way.pop(future)
        try:
            yield future.result()
        except Exception as error:
            # A grader's own fault, or a cluster's: it must neither stop the others nor pass for a grade.
            reason = f"{type(error).__name__}: {error}"[:500]
            yield {
                "student": job.student,
                "assignment": job.assignment.name,
                "key": "",
                "outcome": "not graded",
                "reason": reason,
            }


def _wait(futures: set[Future]) -> set[Future]:
    return wait(futures, return_when=FIRST_COMPLETED).done


def _wait_dask(futures: set[Any]) -> set[Any]:
    from dask.distributed import wait as wait_dask

    return wait_dask(futures, return_when="FIRST_COMPLETED").done
