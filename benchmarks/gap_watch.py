"""Gaps in a Qt event loop, and what the main thread was doing in each of them."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import QEventLoop, Qt, QTimer

TICK_MS = 5
PATIENCE_S = 600
_LOOK_MS = 50  # a gap longer than this is looked into
_CALLS = 10
_HERE = Path(__file__).parent


class GapWatch:
    """A timer that ticks in the event loop, and a thread that looks at the stack when it does not.

    The time between two ticks is a gap; a person feels one from 100 ms on. *Work* is the processor
    time of the main thread in it: the rest it waited, for the interpreter lock or, on a busy
    machine, for a core. The thread needs that lock to look: where a call holds it, the stack is
    that of the moment it let go.
    """

    def __init__(self) -> None:
        self._ticks = [time.perf_counter()]
        self._worked = [time.thread_time()]
        self._stacks: Counter[str] = Counter()
        self._ended = threading.Event()
        self._main = threading.get_ident()
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)

    def run(self, work: Callable[[], None]) -> dict[str, Any]:
        """Do `work`, which lets the event loop turn; returns the gaps meanwhile."""
        thread = threading.Thread(target=self._look, daemon=True)
        thread.start()
        self._timer.start()
        work()
        self._timer.stop()
        self._ended.set()
        thread.join()
        self._tick()
        between, worked = np.diff(self._ticks) * 1000, np.diff(self._worked) * 1000
        return {
            "seconds": round(self._ticks[-1] - self._ticks[0], 2),
            "longest_gap_ms": round(float(between.max()), 1),
            "longest_work_ms": round(float(worked.max()), 1),
            "gaps_over_50_ms": int((between > 50).sum()),
            "gaps_over_100_ms": int((between > 100).sum()),
            "share_over_50_ms": round(float(between[between > 50].sum() / between.sum()), 4),
            "stacks": [f"{n} x {where}" for where, n in self._stacks.most_common(8)],
        }

    def _tick(self) -> None:
        self._ticks.append(time.perf_counter())
        self._worked.append(time.thread_time())

    def _look(self) -> None:
        seen = 0.0
        while not self._ended.wait(TICK_MS / 1000):
            last = self._ticks[-1]
            if last != seen and time.perf_counter() - last > _LOOK_MS / 1000:
                seen = last  # once a gap
                self._stacks[_stack_of(self._main)] += 1


def _stack_of(thread: int) -> str:
    """The innermost calls, without those of the import system and of the benchmark itself."""
    lines = traceback.extract_stack(sys._current_frames().get(thread))
    calls = [
        f"{'/'.join(Path(line.filename).parts[-2:])}:{line.lineno} {line.name}"
        for line in lines
        if "importlib" not in line.filename and Path(line.filename).parent != _HERE
    ]
    return " > ".join(calls[-_CALLS:]) or "drawing and events of Qt"


def gaps(work: Callable[[], None]) -> dict[str, Any]:
    """Seconds that `work` takes, and the gaps in the event loop meanwhile, in ms."""
    return GapWatch().run(work)


def wait(seconds: float) -> None:
    """Let the event loop turn for so long."""
    loop = QEventLoop()
    QTimer.singleShot(int(1000 * seconds), loop.quit)
    loop.exec()


def wait_until(condition: Callable[[], Any]) -> None:
    """Let the event loop turn until `condition` holds."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise SystemExit("waited too long")
        wait(0.02)
