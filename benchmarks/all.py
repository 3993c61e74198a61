"""All benchmarks of speed and memory, one after the other, each into a JSON file of one folder.

    python benchmarks/all.py [-o bench_output] [--only inference segmenting ...] [--short]

Each runs in a process of its own. One that fails is named at the end and stops no other; the exit
status is 1 then. Those with a window need a screen: run all under ``xvfb-run`` where there is none,
else they are left out and named. ``--short`` tries every script on little, in minutes; its numbers
mean nothing. ``tables.py`` puts the records into the page on performance.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Script:
    """A benchmark by the name of its file and record; short : options that make it quick."""

    name: str
    short: tuple[str, ...] = ()
    window: bool = False


TINY = ("--size", "96", "128")
SCRIPTS = (
    Script("roofline", ("--networks", "amsegnet-fast")),
    Script("inference", (*TINY, "--filters", "2", "--frames", "8", "--repeats", "1")),
    Script("segmenting", (*TINY, "--filters", "2", "--frames", "16", "24", "--repeats", "1")),
    Script("preprocessing", ("--frames", "40")),
    Script("measuring", ("--frames", "60")),
    Script("memory", (*TINY, "--frames", "10", "20", "--repeats", "1")),
    Script("campaign", ("--stacks", "2", "--frames", "40", "--repeats", "1")),
    Script("startup", ("--repeats", "1")),
    Script("event_loop", ("--frames", "60"), window=True),
    Script("quantification_dock", ("--frames", "500", "--repeats", "2"), window=True),
    Script("painting", ("--shape", "20", "256", "512", "--strokes", "2"), window=True),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--out", type=Path, default=Path("bench_output"))
    parser.add_argument("--only", nargs="+", choices=[script.name for script in SCRIPTS])
    parser.add_argument(
        "--short", action="store_true", help="try the scripts; numbers mean nothing"
    )
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    chosen = [script for script in SCRIPTS if not given.only or script.name in given.only]
    told = [run(script, given.out, short=given.short) for script in chosen]
    print("\n".join(f"{script.name}: {text}" for script, text in zip(chosen, told, strict=True)))
    if any(text.startswith("failed") for text in told):
        raise SystemExit(1)


def run(script: Script, folder: Path, *, short: bool) -> str:
    """Run one, its record going into the folder; what became of it."""
    if script.window and sys.platform == "linux" and not os.environ.get("DISPLAY"):
        return "left out: needs a screen, run under xvfb-run"
    record = (folder / f"{script.name}.json").resolve()
    command = [sys.executable, str(HERE / f"{script.name}.py"), "-o", str(record)]
    start = time.perf_counter()
    print(f"{script.name} ...", file=sys.stderr, flush=True)
    done = subprocess.run(
        [*command, *(script.short if short else ())], stdout=subprocess.DEVNULL, check=False
    )
    spent = f"{time.perf_counter() - start:.0f} s"
    if done.returncode:
        record.unlink(missing_ok=True)  # an old one would be taken for this run's
        return f"failed after {spent}, exit status {done.returncode}"
    return f"{record.name} after {spent}"


if __name__ == "__main__":
    main()
