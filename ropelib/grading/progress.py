"""How far it is, how fast, and how long it will take: one line that is overwritten, or now and then a new one."""

import sys
import time
from typing import TextIO

SECONDS_BETWEEN_LINES = 15
WIDTH = 30


class Progress:
    """A count of what is done.

    total:   how many there are to do
    already: how many were done by an earlier run
    """

    def __init__(self, total: int, already: int = 0, stream: TextIO | None = None) -> None:
        self._total, self._already, self._done = total, already, 0
        self._stream = stream or sys.stderr
        self._started = self._last = time.monotonic()

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        now = time.monotonic()
        if self._stream.isatty():
            print(f"\r{self.line(now - self._started)}\033[K", end="", file=self._stream, flush=True)
        elif now - self._last > SECONDS_BETWEEN_LINES:
            self._last = now
            print(self.line(now - self._started), file=self._stream, flush=True)

    def finish(self) -> None:
        """Say the last count, and leave the line."""
        ending = "\033[K\n" if self._stream.isatty() else "\n"
        start = "\r" if self._stream.isatty() else ""
        print(start + self.line(time.monotonic() - self._started), end=ending, file=self._stream, flush=True)

    def line(self, seconds: float) -> str:
        """For example: [##########----] 12 of 40 graded, 20 kept, 5.3/s, 0:05 left."""
        rate = self._done / seconds if seconds > 0 else 0.0
        filled = round(WIDTH * self._done / self._total) if self._total else WIDTH
        words = f"[{'#' * filled}{'-' * (WIDTH - filled)}] {self._done} of {self._total} graded"
        words += f", {self._already} kept" if self._already else ""
        left = (self._total - self._done) / rate if rate else 0.0
        return words + f", {rate:.1f}/s, {int(left) // 60}:{int(left) % 60:02} left"
