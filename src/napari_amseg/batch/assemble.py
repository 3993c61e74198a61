"""From the chunks of a stack to the files of ``amseg segment``, one frame at a time."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from napari_amseg.batch.chunks import ChunkFolder, ChunkRecord, StackFit
from napari_amseg.batch.job import Keys, StackJob
from napari_amseg.batch.leftovers import output_files
from napari_amseg.io import OutputFiles, write_json
from napari_amseg.io.records import read_json
from napari_amseg.models import Bundle
from napari_amseg.pipeline import ResultFiles, RunRequest, result_names
from napari_amseg.pipeline.command_line import recorded, segment_words
from napari_amseg.pipeline.earlier_results import source_of
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import InputHashes, run_record, sha256
from napari_amseg.types import Experiment

# Made from labels that are being replaced, by amseg segment or amseg quantify.
_STALE = ("series.png", "overlay.png", "errors.csv", "errors.png", "confidence.tif")
_SCALES = ("pixel_size_um", "frame_rate_hz", "scan_speed_mm_s")


@dataclass(frozen=True, slots=True)
class Finished:
    """A stack that is done.

    Attributes
    ----------
    key, spelled : of its results, as :class:`Keys` has them. frames, chunks : how many.
    engines : chunks by engine and device. hosts : chunks by machine.
    seconds : of computing, summed over chunks.
    retries : chunks begun again after their worker was lost. earlier : whether by an earlier call.
    notes : what must be known of its numbers.
    """

    key: str
    frames: int
    chunks: int
    engines: dict[str, int]
    hosts: dict[str, int]
    seconds: float
    retries: int
    earlier: bool = False
    spelled: str = ""
    notes: tuple[str, ...] = ()


def finished(job: StackJob, keys: Keys, experiment: Experiment) -> Finished | None:
    """What is known of a stack whose results lie there as a campaign wrote them.

    None if they are not there, not of `keys`, or if any was changed or measured anew since.
    experiment : what the files and the table say now; process parameters that changed are written
        into the run record.
    """
    written, record = _marked(job.folder / _mark(job.name))
    names = result_names(job.name, confidence=job.maps.confidence)
    if record is None or not _is_of(record, keys) or set(written) != set(names):
        return None
    try:
        if any(sha256(job.folder / name) != written[name] for name in names):
            return None
    except OSError:
        return None
    run = json.loads((job.folder / f"{job.name}_run.json").read_text(encoding="utf-8"))
    new = experiment.to_json()
    if any(run["experiment"][scale] != new[scale] for scale in _SCALES):
        return None  # numbers depend on these
    known = replace(record, key=keys.resolved, spelled=keys.spelled)
    if new != run["experiment"] or known != record:
        _renew(job, written, known, {**run, "experiment": new})
    return replace(known, earlier=True, notes=tuple(run["notes"]))


def assemble(
    request: RunRequest, bundle: Bundle, fit: StackFit, chunks: ChunkFolder, keys: Keys
) -> Finished:
    """Write the result files of a stack whose chunks are all there; all appear, or none."""
    experiment, stem = Experiment.from_json(fit.experiment), request.stem
    made = [chunks.record(i) for i in range(fit.n_chunks)]
    confidence = request.maps.confidence
    with (
        output_files(request.folder, _mark(stem)) as files,
        InputHashes(request.stack.files) as hashes,
    ):
        with ResultFiles(
            files, stem, fit.shape, experiment, confidence=confidence, measure=request.measure
        ) as writer:
            for chunk in range(fit.n_chunks):
                for row, pores, *pages in chunks.packed(chunk):
                    writer.append_packed(row, pores, *pages)
            writer.finish()
            engine, notes = _engine(made)
            run = writer.record(
                run_record(
                    inputs=hashes.records(),
                    source=source_of(request.stack),
                    outputs=writer.output_records(),
                    settings=request.settings_record(),
                    chain=fit.chain,
                    model=fit.model,
                    engine=engine,
                    notes=(*fit.notes, *notes),
                    experiment=fit.experiment,
                    label_scheme=bundle.card.scheme.to_json(),
                    command=recorded(
                        lambda: segment_words(
                            replace(request, chain=Chain.from_json(fit.chain)), bundle
                        )
                    ),
                )
            )
        done = _finished(made, keys, fit.shape[0])
        names = result_names(stem, confidence=confidence)
        written = {name: sha256(files.path(name)) for name in names}
        _write_mark(files, stem, done, written)
    for kind in _STALE:
        if f"{stem}_{kind}" not in result_names(stem, confidence=confidence):
            (request.folder / f"{stem}_{kind}").unlink(missing_ok=True)
    return replace(done, notes=tuple(run["notes"]))


def _is_of(record: Finished, keys: Keys) -> bool:
    """Whether results have these keys; some were written when paths were known as typed only."""
    return record.key in (keys.resolved, keys.spelled) or record.spelled == keys.spelled


def _mark(stem: str) -> str:
    """The file that says with which inputs and settings a stack was finished, and what was written:
    ``amseg segment`` and ``amseg quantify`` may have written there since.
    """
    return f".{stem}_batch.json"


def _marked(path: Path) -> tuple[dict[str, str], Finished | None]:
    """SHA-256 of the files that were written, by name, and what is known of the stack; nothing if
    it is not there or damaged.
    """
    try:
        record = read_json(path)
        written = dict(record.pop("files"))
        return written, Finished(**record)
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return {}, None


def _engine(made: list[ChunkRecord]) -> tuple[dict[str, Any], list[str]]:
    """The engine for the record; a note where workers had different ones."""
    found = Counter((record.engine, record.device) for record in made)
    names, devices = (dict.fromkeys(part) for part in zip(*found, strict=True))
    notes = []
    if len(found) > 1:
        told = ", ".join(f"{n} by {device}" for (_, device), n in found.items())
        notes.append(
            f"chunks were computed by different engines or devices ({told}): numbers may differ in "
            "their last digits from those of one machine"
        )
    return {"name": " and ".join(names), "device": " and ".join(devices)}, notes


def _write_mark(files: OutputFiles, stem: str, done: Finished, written: dict[str, str]) -> None:
    known = asdict(done)
    del known["notes"]  # the run record has them
    write_json(files.path(_mark(stem)), {**known, "files": written})


def _finished(made: list[ChunkRecord], keys: Keys, n_frames: int) -> Finished:
    return Finished(
        key=keys.resolved,
        spelled=keys.spelled,
        frames=n_frames,
        chunks=len(made),
        engines=dict(Counter(record.device for record in made)),
        hosts=dict(Counter(record.host for record in made)),
        seconds=round(sum(record.seconds for record in made), 3),
        retries=sum(record.retries for record in made),
    )


def _renew(job: StackJob, written: dict[str, str], record: Finished, run: dict[str, Any]) -> None:
    """Bring the run record and the mark up to date."""
    name = f"{job.name}_run.json"
    with OutputFiles(job.folder) as files:
        path = files.path(name)
        write_json(path, run)
        _write_mark(files, job.name, record, {**written, name: sha256(path)})
