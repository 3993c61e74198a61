"""``amseg dataset``: annotated frames collected, checked, described and split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from napari_amseg.cli.arguments import BenchmarkFolder
from napari_amseg.cli.command import register
from napari_amseg.cli.dataset_add import add
from napari_amseg.cli.dataset_info import info, print_subsets
from napari_amseg.cli.progress import show_notes, track
from napari_amseg.dataset import (
    Benchmark,
    Split,
    check_benchmark,
    grouped_split,
    listed_split,
    open_benchmark,
    random_split,
    save_split,
)
from napari_amseg.dataset.check import Finding
from napari_amseg.dataset.names import first_few
from napari_amseg.dataset.split import Parts
from napari_amseg.settings import Settings, setting

dataset = typer.Typer(
    help="Collect annotated frames in a benchmark folder; check, describe and split it.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
)


@dataclass(frozen=True, slots=True)
class SplitOptions(Settings):
    """How frames are dealt out."""

    rule: str = setting(
        "random",
        choices=("random", "grouped", "listed"),
        help="Frames at random as in the AM-SegNet paper, whole experiments, or the frames named "
        "by --validation and --test, the rest for training.",
    )
    seed: int | None = setting(None, low=0, help="Seed of the random choice; 0 if left out.")
    parts: str | None = setting(
        None, help="Ratio of training, validation and test; 4:1:1 if left out."
    )
    name: str | None = setting(None, help="Name of the split; that of its rule if left out.")
    incomplete: bool = setting(
        False, help="Also deal out frames whose annotation is not complete; they are left out else."
    )


def check(
    folder: BenchmarkFolder,
    notes: Annotated[bool, typer.Option(help="Also list what is only worth knowing.")] = True,
) -> None:
    """Read every image and label, and name what is wrong; exit code 1 if there are errors."""
    findings = list(check_benchmark(folder, track=track))
    for line in _in_lines(finding for finding in findings if finding.error or notes):
        typer.echo(line)
    n_errors = sum(finding.error for finding in findings)
    typer.echo(f"{folder}: {n_errors} errors, {len(findings) - n_errors} notes")
    if n_errors:
        raise typer.Exit(1)


def _in_lines(findings: Iterable[Finding]) -> Iterator[str]:
    """A line a finding; notes that say the same of several places share one."""
    places: dict[tuple[bool, str, str], list[str]] = {}
    for finding in findings:
        key = (finding.error, finding.where if finding.error else "", finding.what)
        places.setdefault(key, []).append(finding.where)
    for (error, _, what), where in places.items():
        told = first_few(where) if len(where) > 1 else where[0]
        count = f"{len(where)} times ({told})" if len(where) > 1 else told
        yield f"{'error' if error else 'note'}: {count}: {what}"


def split(
    folder: BenchmarkFolder,
    splitting: SplitOptions,
    validation: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Validation frames, such as run3/*; repeatable."),
    ] = None,
    test: Annotated[
        list[str] | None,
        typer.Option(metavar="PATTERN", help="Test frames, such as hpdc/001[0-2]; repeatable."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a split of this name.")
    ] = False,
) -> None:
    """Decide which frames train, validate and test; written to splits/NAME.csv.

    Neighbouring frames of one stack are nearly equal, so a random split makes the test easier than
    a new experiment would be; grouped keeps every experiment in one subset.
    """
    benchmark = open_benchmark(folder)
    made = _made_split(benchmark, splitting, validation or (), test or ())
    path = save_split(benchmark, made, overwrite=overwrite)
    show_notes(made.notes)
    print_subsets(benchmark, made)
    typer.echo(path)


def _made_split(
    benchmark: Benchmark, given: SplitOptions, validation: Sequence[str], test: Sequence[str]
) -> Split:
    name, listed = given.name or given.rule, bool(validation or test)
    if listed != (given.rule == "listed"):
        raise ValueError("--validation and --test belong to --rule listed, and it to them.")
    if listed:
        if given.seed is not None or given.parts is not None:
            raise ValueError("--seed and --parts do not belong to --rule listed: leave them out.")
        return listed_split(
            benchmark, validation=validation, test=test, name=name, incomplete=given.incomplete
        )
    make = random_split if given.rule == "random" else grouped_split
    return make(
        benchmark,
        seed=given.seed or 0,
        parts=_parts(given.parts or "4:1:1"),
        name=name,
        incomplete=given.incomplete,
    )


def _parts(text: str) -> Parts:
    try:
        train, validation, test = (int(n) for n in text.split(":"))
    except ValueError:
        raise ValueError(f"--parts is {text!r}: write three whole numbers, 4:1:1.") from None
    return train, validation, test


for function in (add, info, check, split):
    register(dataset, function)
