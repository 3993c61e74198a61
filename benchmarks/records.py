"""What the benchmarks share: the machine they ran on, ways timed in turns, the JSON they leave."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


def machine() -> dict[str, str | int | None]:
    """What the numbers were measured on."""
    return {"cpu": cpu_name(), "cores": os.cpu_count(), "system": platform.platform()}


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor()


def load() -> float | None:
    """Processes that wanted a core in the last minute: above 1 or so, others disturbed the run."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def in_turns(ways: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, list[float]]:
    """Seconds of every repeat of every way; one after the other, so that all see the same noise."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return seconds


def rate(n: int, seconds: list[float]) -> dict[str, float]:
    """Frames a second: the best of all repeats and their median."""
    return {
        "best": round(n / min(seconds), 2),
        "median": round(n / statistics.median(seconds), 2),
    }


def give(record: Mapping[str, Any], out: Path | None) -> None:
    """Print a record and, if asked for, leave it in a file; in a folder, by the script's name."""
    text = json.dumps(record, indent=2)
    print(text)
    if out and out.is_dir():
        out /= f"{Path(sys.argv[0]).stem}.json"
    if out:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text + "\n", encoding="utf-8")
