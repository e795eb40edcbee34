"""One lane of grading: it keeps its sandboxes warm from one submission to the next."""

import contextlib
import threading
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field

from ropelib.grading.inside.isolation import Limits
from ropelib.grading.sandbox import Isolation, Process, Rooms, Sandbox, SandboxFailed

MOST_WARM = 3
_OF_THIS_THREAD = threading.local()
_ALL: "weakref.WeakSet[Lane]" = weakref.WeakSet()


@dataclass(eq=False)
class Lane:
    """The warm sandboxes of one thread, least recently used first."""

    isolation: Isolation
    limits: Limits
    _warm: dict[Rooms, Sandbox] = field(default_factory=dict, init=False)
    _abandoned: bool = field(default=False, init=False)

    @contextlib.contextmanager
    def process(self, rooms: Rooms) -> Iterator[Process]:
        """A fresh isolated process, ended afterwards. Raises SandboxFailed where a second attempt fails too."""
        process = self._spawn(rooms)
        try:
            yield process
        finally:
            process.end()

    def abandon(self) -> None:
        """End what runs, from any thread: an interrupted run must not wait for a submission's time limit."""
        self._abandoned = True
        for sandbox in list(self._warm.values()):
            sandbox.kill()

    def close(self) -> None:
        """End the sandboxes; the lane is not grading."""
        while self._warm:
            self._warm.popitem()[1].close()

    def _spawn(self, rooms: Rooms) -> Process:
        try:
            return self._sandbox(rooms).spawn()
        except SandboxFailed:
            if self._abandoned:
                raise
            self._warm.pop(rooms).close()
            return self._sandbox(rooms).spawn()

    def _sandbox(self, rooms: Rooms) -> Sandbox:
        sandbox = self._warm.pop(rooms, None) or Sandbox(rooms, self.isolation, self.limits)
        while len(self._warm) >= MOST_WARM:
            self._warm.pop(next(iter(self._warm))).close()
        self._warm[rooms] = sandbox
        return sandbox


def of_this_thread(isolation: Isolation, limits: Limits) -> Lane:
    """The lane of the calling thread, made when first asked for, and anew for other limits."""
    lane = getattr(_OF_THIS_THREAD, "lane", None)
    if lane is None or (lane.isolation, lane.limits) != (isolation, limits):
        if lane is not None:
            lane.close()
        lane = _OF_THIS_THREAD.lane = Lane(isolation, limits)
        _ALL.add(lane)
    return lane


def abandon_all() -> None:
    """End what runs in the lanes of all threads of this process."""
    for lane in list(_ALL):
        lane.abandon()


def close_all() -> None:
    """Close the lanes of all threads of this process, none of which may be grading."""
    for lane in list(_ALL):
        lane.close()
