"""The first process of a sandbox: it imports the libraries once, and forks one isolated child for each submission.

It never runs a line of a submission and never sees one: a child gets its own connection to the parent.
Commands arrive on descriptor 0: "s" with a socket starts a child, "k" ends it; each is answered with a line.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from typing import Any

from . import isolation, selfcheck, worker
from .codec import Channel, frame

MOST_SENT = 64 << 20


def main(settings: dict[str, Any]) -> None:
    """Serve until the parent hangs up.

    settings: isolation ("fork": each child in namespaces of its own; "sandbox": the sandbox is one submission's;
              "none": no sandbox), limits, closed, preload
    """
    control = socket.socket(fileno=0)
    try:
        if settings["isolation"] != "none":
            isolation.become_nobody()
        for name in settings["preload"]:
            importlib.import_module(name)
        _use_one_thread()
    except Exception as error:
        control.send(_line(failed=f"{type(error).__name__}: {error}"))
        return
    gc.freeze()
    control.send(_line(ready=True))
    keeper = 0
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if command == b"s":
            keeper = os.fork()
            if keeper == 0:
                control.close()
                _leaving_no_trace(_keep, settings, descriptors[0])
            os.close(descriptors[0])
        elif command == b"k" and keeper:
            os.kill(keeper, signal.SIGTERM)
            _, status = os.waitpid(keeper, 0)
            keeper = 0
            control.send(_line(ended=os.waitstatus_to_exitcode(status)))
        else:
            if keeper:
                os.kill(keeper, signal.SIGTERM)
            return


def _keep(settings: dict[str, Any], connection: int) -> None:
    """Stand between the zygote and a submission: make its namespaces, end it on request, and tell how it ended."""
    awaited = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    if settings["isolation"] == "fork":
        isolation.enter_namespaces()
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, awaited)
        _leaving_no_trace(_become, settings, connection)
    os.close(connection)
    ended = status = 0
    while not ended:
        if signal.sigwait(awaited) == signal.SIGTERM:
            os.kill(child, signal.SIGKILL)
        ended, status = os.waitpid(child, os.WNOHANG)
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _become(settings: dict[str, Any], connection: int) -> None:
    """Turn this process into that of a submission."""
    limits = isolation.Limits(**settings["limits"])
    worker.silence()
    if settings["isolation"] == "fork":
        isolation.hide_the_others(limits)
    if settings["isolation"] != "none":
        # A signal to a process group reaches members outside the namespace, so this one is a group of its own.
        os.setsid()
        os.chdir(isolation.HOME)
        isolation.drop_privileges(limits)
    channel = Channel(socket.socket(fileno=connection), most_bytes=MOST_SENT, inputs=True)
    if settings["selfcheck"]:
        channel.send(frame({"ready": True}, selfcheck.findings(settings["selfcheck"])))
        return
    worker.Worker(channel, settings["closed"]).serve()


def _leaving_no_trace(task: Callable[[dict[str, Any], int], None], settings: dict[str, Any], connection: int) -> None:
    """End a forked process without the clean-up that belongs to the process it was forked from."""
    try:
        task(settings, connection)
    except Exception:
        reason = traceback.format_exc(limit=-1).splitlines()[-1]
        socket.socket(fileno=connection).send(frame({"failed": reason}))
    finally:
        os._exit(1)


def _use_one_thread() -> None:
    """A process with threads cannot be forked safely; the environment sets one for every library but torch."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


def _line(**facts: Any) -> bytes:
    return json.dumps(facts).encode() + b"\n"
