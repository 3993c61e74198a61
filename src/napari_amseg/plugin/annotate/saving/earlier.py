"""Experiments that were named before, to complete what is typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from napari_amseg.annotate.safety import recovery_root
from napari_amseg.dataset.benchmark import EXPERIMENTS
from napari_amseg.dataset.experiments import read_experiments, write_experiments
from napari_amseg.io import OutputFiles
from napari_amseg.types import Experiment

_MOST = 500
Tables = tuple[dict[str, Experiment], dict[str, Experiment]]


def earlier_path() -> Path:
    """Where this user's experiments are kept, in the form of a benchmark's table."""
    return recovery_root() / EXPERIMENTS


def known_experiments(benchmark: Path | None) -> Tables:
    """Experiments by name: those of a benchmark, and those this user saved before, newest last.

    Raises
    ------
    ValueError
        If the benchmark's table cannot be read. A damaged table of the user is passed over.
    """
    there = {} if benchmark is None else read_experiments(benchmark / EXPERIMENTS)
    try:
        return there, read_experiments(earlier_path())
    except (OSError, ValueError):
        return there, {}


def remember(experiment: Experiment) -> None:
    """Keep a named experiment for later sessions; it replaces an earlier one of its name."""
    path, name = earlier_path(), experiment.experiment
    if not name:
        return
    try:
        earlier = read_experiments(path)
    except ValueError:
        earlier = {}
    earlier.pop(name, None)
    path.parent.mkdir(parents=True, exist_ok=True)
    with OutputFiles(path.parent) as files:
        kept = [*earlier.values(), experiment][-_MOST:]
        write_experiments(files.path(path.name), kept)


def words_for(column: str, tables: Iterable[Mapping[str, Experiment]]) -> list[str]:
    """What stood in a column of text, each entry once, in order of the alphabet."""
    found = {getattr(e, column) for table in tables for e in table.values()}
    return sorted((word for word in found if word), key=str.casefold)
