"""A Dask scheduler and worker processes on this machine, on loopback addresses only."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).resolve().parents[1]
LOOPBACK = ["--host", "127.0.0.1", "--no-dashboard"]


@dataclass
class Cluster:
    address: str
    workers: list[subprocess.Popen]

    def kill_one(self):
        self.workers[0].send_signal(signal.SIGKILL)


@contextlib.contextmanager
def cluster(folder, workers=2):
    """Start a scheduler and workers without a nanny, which would start a killed worker again."""
    file = folder / "scheduler.json"
    started = [_start("scheduler", "--port", "0", "--scheduler-file", str(file))]
    try:
        _wait_for(file)
        options = ["--scheduler-file", str(file), "--nthreads", "1", "--no-nanny", "--local-directory", str(folder)]
        started += [_start("worker", *options) for _ in range(workers)]
        with Client(_address(file), timeout=60) as client:
            client.wait_for_workers(workers, timeout=60)
        yield Cluster(_address(file), started[1:])
    finally:
        for process in started:
            process.kill()
            process.wait()


def _start(kind, *options):
    command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *LOOPBACK, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "30s"}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _wait_for(file):
    deadline = time.monotonic() + 60
    while not file.exists() or not file.read_text():
        if time.monotonic() > deadline:
            raise TimeoutError("the Dask scheduler did not start")
        time.sleep(0.05)


def _address(file):
    return json.loads(file.read_text())["address"]
