"""The viewer's side of the compute process: starts it, talks to it, ends it."""

from __future__ import annotations

import atexit
import json
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from functools import cache
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from typing import IO

from napari_amseg.pipeline.jobs import (
    LAST_ANSWERS,
    Answer,
    Cancel,
    Doing,
    Failed,
    Finished,
    Prepare,
    Request,
    SegmentJob,
)
from napari_amseg.train import TrainRequest

_COMMAND = (sys.executable, "-P", "-m", "napari_amseg.pipeline.compute")
_SECONDS_TO_CONNECT = 120.0  # a first import from a cold network drive
_SECONDS_TO_CANCEL = 0.6  # nothing is lost but the warm process: frames that are done stay
_SECONDS_TO_CANCEL_TRAINING = 1.5  # it writes the model it has
_POLL_SECONDS = 0.05
# Below the process that draws: elsewhere the child lowers its own priority.
_WINDOWS_FLAGS = getattr(subprocess, "CREATE_NO_WINDOW", 0) | getattr(
    subprocess, "BELOW_NORMAL_PRIORITY_CLASS", 0
)
_LOG_TAIL_BYTES = 4000
_KILLED = (-9, 137)


class ComputeProcess:
    """One warm child process; requests are served one after the other.

    It is started by the first request, and again after it was ended by a cancel or a crash. Safe
    to use from several threads.
    """

    def __init__(self, command: Sequence[str] = _COMMAND) -> None:
        self._command = tuple(command)
        self._turn = threading.Lock()
        self._served: Request | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None
        self._log: IO[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the child, None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def is_busy(self) -> bool:
        """Whether a request is being served; the next one will wait for it."""
        return self._turn.locked()

    def run(self, request: Request, cancel: threading.Event) -> Generator[Answer]:
        """Answers to a request as they come; the last is a Prepared, Finished or Failed.

        Never raises: whatever goes wrong comes as a Failed. Setting `cancel` ends it: the child
        stops after its batch, or is terminated if it does not answer in time. Closing the
        generator early terminates the child.
        """
        told: Request | None = None
        while not self._turn.acquire(timeout=_POLL_SECONDS):
            if cancel.is_set():
                yield Finished(cancelled=True)
                return
            if isinstance(request, SegmentJob) and self._served is not told:
                told = self._served
                yield Doing(_waiting_for(told))
        complete, self._served = False, request
        try:
            for answer in self._exchange(request, cancel):
                complete = isinstance(answer, LAST_ANSWERS)
                yield answer
        finally:
            if not complete:
                self.close()
            self._turn.release()

    def close(self) -> None:
        """End the child; the next request starts a new one."""
        connection, self._connection = self._connection, None
        process, self._process = self._process, None
        log, self._log = self._log, None
        if connection is not None:
            connection.close()
        if process is not None:
            process.terminate()
            try:
                process.wait(2)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        if log is not None:
            log.close()

    def _exchange(self, request: Request, cancel: threading.Event) -> Generator[Answer]:
        try:
            connection = self._connected(cancel)
            if connection is None:
                self.close()
                yield Finished(cancelled=True)
                return
            connection.send(request)
            yield from self._answers(connection, cancel, _patience_s(request))
        except (EOFError, OSError) as error:
            failure = self._crash(error)
            self.close()
            yield failure

    def _answers(
        self, connection: Connection, cancel: threading.Event, patience_s: float
    ) -> Generator[Answer]:
        give_up_at = None
        while True:
            if cancel.is_set() and give_up_at is None:
                connection.send(Cancel())
                give_up_at = time.monotonic() + patience_s
            if connection.poll(_POLL_SECONDS):
                answer: Answer = connection.recv()
                yield answer
                if isinstance(answer, LAST_ANSWERS):
                    return
            elif give_up_at is not None and time.monotonic() > give_up_at:
                self.close()
                yield Finished(cancelled=True)
                return

    def _connected(self, cancel: threading.Event) -> Connection | None:
        """The open connection, or a new child's; None if cancelled meanwhile."""
        if self._process is not None and self._process.poll() is not None:
            self.close()  # died while idle
        if self._connection is None:
            self._connection = self._launch(cancel)
        return self._connection

    def _launch(self, cancel: threading.Event) -> Connection | None:
        key = secrets.token_bytes(32)
        self._log = tempfile.TemporaryFile(prefix="napari-amseg-")  # noqa: SIM115
        with Listener(authkey=key) as listener:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                creationflags=_WINDOWS_FLAGS,
            )
            hello = json.dumps({"address": listener.address, "authkey": key.hex()})
            assert self._process.stdin is not None
            with self._process.stdin as pipe:
                pipe.write(f"{hello}\n".encode())
            return self._accepted(listener, cancel)

    def _accepted(self, listener: Listener, cancel: threading.Event) -> Connection | None:
        """The child's connection; waits in a thread because a listener knows no time limit."""
        accepted: list[Connection] = []

        def accept() -> None:
            with suppress(EOFError, OSError, AuthenticationError):
                accepted.append(listener.accept())

        thread = threading.Thread(target=accept, name="amseg-accept", daemon=True)
        thread.start()
        end = time.monotonic() + _SECONDS_TO_CONNECT
        while thread.is_alive():
            thread.join(_POLL_SECONDS)
            gone = self._process is None or self._process.poll() is not None
            if thread.is_alive() and (gone or cancel.is_set() or time.monotonic() > end):
                Client(listener.address).close()  # no key: refused, which ends the wait
                thread.join()
                break
        if accepted:
            return accepted[0]
        if cancel.is_set():
            return None
        raise EOFError("it did not connect")

    def _crash(self, error: BaseException) -> Failed:
        """What is known of a child that went away."""
        process, code = self._process, None
        if process is not None:
            try:
                code = process.wait(2)
            except subprocess.TimeoutExpired:
                code = None
        why = f"exit code {code}" if code is not None else str(error) or "connection lost"
        last = self._log_tail()
        line = last.strip().splitlines()[-1] if last.strip() else ""
        hint = f" Its last words: {line}" if line else ""
        if code in _KILLED:
            hint = " It was killed, most often for want of memory: use smaller batches or crops."
        return Failed(
            f"The compute process ended ({why}).{hint} Run again to start a new one.", last
        )

    def _log_tail(self) -> str:
        if self._log is None:
            return ""
        size = self._log.seek(0, 2)
        self._log.seek(max(0, size - _LOG_TAIL_BYTES))
        return self._log.read().decode("utf-8", "replace")


def _waiting_for(served: Request | None) -> str:
    loads = isinstance(served, Prepare)
    return "loading the model" if loads else "waiting for another job to end"


def _patience_s(request: Request) -> float:
    """How long the child may keep quiet after a cancel before it is ended."""
    trains = isinstance(request, TrainRequest)
    return _SECONDS_TO_CANCEL_TRAINING if trains else _SECONDS_TO_CANCEL


@cache
def shared_process() -> ComputeProcess:
    """The one compute process of this session; ended with it."""
    process = ComputeProcess()
    atexit.register(process.close)
    return process
