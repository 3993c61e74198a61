"""Results that lie in a folder already: whose they are, and what of them is kept."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.io.records import read_json
from napari_amseg.pipeline.stack import FrameResult
from napari_amseg.provenance import InputHashes, sha256
from napari_amseg.types import Stack

if TYPE_CHECKING:
    from napari_amseg.pipeline.run import RunRequest

_OTHER_PLACE = "Choose another folder with -o, or give --overwrite to replace it."


def source_of(stack: Stack) -> str | None:
    """Where a stack comes from, in full: the file or dataset that is opened, the first image."""
    return str(Path(stack.address[0]).resolve()) if stack.files else None


def protect_earlier_results(request: RunRequest, *, remedy: str = _OTHER_PLACE) -> None:
    """Refuse to replace labels that are not as we wrote them, maybe after hours of correction, and
    results of another stack that happens to have the same name. remedy : what to do then.
    """
    labels = request.folder / f"{request.stem}_labels.tif"
    if not labels.exists():
        return
    maker = segment_record(request.folder / f"{request.stem}_run.json")
    now = {"name": labels.name, "sha256": sha256(labels)}
    if now not in (maker.get("outputs") or ()):
        raise FileExistsError(
            f"{labels}: exists and was not written by this program, or was edited since. {remedy}"
        )
    if maker.get("source") != source_of(request.stack):
        raise FileExistsError(
            f"{labels}: belongs to another stack, {maker.get('source')}. {remedy}"
        )


def protect_other_tables(request: RunRequest) -> None:
    """Refuse to replace the tables of other labels that happen to have the same name."""
    record = _read_record(request.folder / f"{request.stem}_run.json")
    if not record:
        return
    beside = (request.folder / f"{request.stem}_labels.tif").resolve()
    theirs = record.get("labels") or str(beside)  # of a segmentation, its own
    if theirs != source_of(request.stack):
        raise FileExistsError(
            f"{request.folder}: holds results named {request.stem!r} of other labels, {theirs}. "
            "Choose another folder with -o, or give --overwrite to replace them."
        )


def segment_record(path: Path) -> dict[str, Any]:
    """The record of the run that made the labels, also where they were measured again since;
    empty if there is none or it cannot be read.
    """
    record = _read_record(path)
    maker = record.get("labels_made_by") or record
    return maker if isinstance(maker, dict) else {}


def _read_record(path: Path) -> dict[str, Any]:
    """A run record; empty if there is none or it cannot be read."""
    try:
        record = read_json(path)
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def made_by(
    stack: Stack, stem: str, hashes: InputHashes
) -> tuple[dict[str, Any] | None, Mapping[int, float]]:
    """What is known of a label file from when it was segmented, which measuring keeps.

    hashes : of the stack's files.

    Returns
    -------
    The run record beside it and whether the labels were edited since, None if there is none; the
    uncertainty of the masks by frame, empty if they were edited.
    """
    if len(stack.files) != 1:
        return None, {}
    beside = Path(stack.files[0]).with_name
    maker = segment_record(beside(f"{stem}_run.json"))
    if not maker:
        return None, {}
    outputs = maker.get("outputs")  # a simulation does not list them
    edited = hashes.records()[0] not in outputs if outputs else None
    known = _uncertainty(beside(f"{stem}_frames.csv")) if edited is False else {}
    return {**maker, "edited_since": edited}, known


def _uncertainty(table: Path) -> Mapping[int, float]:
    """The uncertainty of the masks by frame, from a ``_frames.csv``; empty without one."""
    if not table.exists():
        return {}
    import pandas as pd

    frames = pd.read_csv(table, index_col="frame")
    known = frames.get("uncertainty", pd.Series(dtype=float)).dropna()
    return {int(t): float(value) for t, value in known.items()}


def with_uncertainty(
    results: Generator[FrameResult], known: Mapping[int, float]
) -> Generator[FrameResult]:
    """The same results, with the uncertainty of each frame where it is known."""
    with closing(results):
        for result in results:
            yield replace(result, row=result.row | {"uncertainty": known.get(result.frame)})
