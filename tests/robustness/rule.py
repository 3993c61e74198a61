"""The rule for bad input, and what runs a command and holds it to the rule.

A bad file gives one clear line, exit code 2, no traceback, no file left behind, in seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from click.testing import CliRunner
from corpus import Case

from napari_amseg.cli import app

MOST_SECONDS = 300  # a guard against hanging, not a measure of speed: a loaded machine is slow
_COMMAND = typer.main.get_command(app)
# Lines that may stand beside the error: what was noticed or finished before it.
_BESIDE = re.compile(r"(note: |warning: |loading model |\s*$|.* (\d+)/\2 )")
_RAW = re.compile(
    r"Traceback|\[Errno|object is not|NoneType|<class |unexpected |not supported between|"
    r"cannot unpack|list index|positional argument|codec can't|^error: \S+$"
)

Arguments = Callable[[Case, Path], Sequence[str | Path]]


@dataclass(frozen=True)
class Outcome:
    """What a command did: its exit code, what it said, what it left and how long it took."""

    code: int
    stdout: str
    stderr: str
    left: tuple[str, ...]
    seconds: float

    @property
    def error(self) -> str:
        """The line of the error."""
        return next((x for x in self.stderr.splitlines() if x.startswith("error: ")), "")


def run(arguments: Sequence[str | Path], out: Path) -> Outcome:
    """Run a command in this process; `out` is where it is told to write."""
    out.mkdir()
    start = time.perf_counter()
    done: Any = CliRunner().invoke(_COMMAND, [str(a) for a in arguments])
    seconds = time.perf_counter() - start
    left = tuple(sorted(str(p.relative_to(out)) for p in out.rglob("*")))
    raised = done.exception
    if raised is not None and not isinstance(raised, SystemExit):
        raise raised
    return Outcome(done.exit_code, done.stdout, done.stderr, left, seconds)


def broken(outcome: Outcome, expected: str, *, codes: tuple[int, ...] = (2,)) -> list[str]:
    """How an outcome breaks the rule; empty if it holds.

    codes : exit codes of a refusal.
    """
    told = []
    if outcome.seconds > MOST_SECONDS:
        told.append(f"took {outcome.seconds:.0f} s")
    if outcome.code == 0:
        if expected == "refused":
            told.append(f"was accepted: {outcome.stdout[-200:]}")
        if any(name.endswith(".part") for name in outcome.left):
            told.append(f"left {outcome.left}")
        return told
    if expected == "works":
        told.append("is sound, but was refused")
    if outcome.code not in codes:
        told.append(f"exit code {outcome.code}")
    if outcome.code == 2:
        told += _said_wrongly(outcome.stderr)
        if outcome.left:
            told.append(f"left {outcome.left}")
    return [f"{text} | {outcome.stderr.strip()[-300:]}" for text in told]


def _said_wrongly(stderr: str) -> list[str]:
    lines = stderr.splitlines()
    errors = [line for line in lines if line.startswith("error: ")]
    told = []
    if len(errors) != 1:
        told.append(f"{len(errors)} lines of error")
    told += [f"raw words {found[0]!r}" for line in errors if (found := _RAW.search(line))]
    told += [f"a line too many: {x!r}" for x in lines if x not in errors and not _BESIDE.match(x)]
    if errors and len(errors[0]) > 600:
        told.append(f"{len(errors[0])} characters of error")
    return told
