"""From a stack on disk to result files on disk, with a record of what made them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any

from napari_amseg.dataset.names import Track, silent
from napari_amseg.io import OutputFiles
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import Bundle
from napari_amseg.pipeline.command_line import quantify_words, recorded, segment_words
from napari_amseg.pipeline.earlier_results import (
    made_by,
    protect_earlier_results,
    protect_other_tables,
    source_of,
    with_uncertainty,
)
from napari_amseg.pipeline.errors import error_rows, require_same_shape, write_errors
from napari_amseg.pipeline.files import ResultFiles, result_names
from napari_amseg.pipeline.prepare import prepare
from napari_amseg.pipeline.stack import FrameResult, frame_results, measure_stack
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import InputHashes, StageClock, run_record
from napari_amseg.scores import Confusion
from napari_amseg.segment import (
    MapSettings,
    PostSettings,
    SegmentSettings,
    kept_engine,
)
from napari_amseg.types import Stack


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What to run and where its files go.

    Attributes
    ----------
    stack : the raw stack. folder, stem : results are ``folder/stem_*.*``.
    chain : the user's preprocessing, before the model's own.
    maps, post : what is written beside the labels, how those are corrected before measuring.
    overwrite : replace a label file even if it was edited since we wrote it.
    """

    stack: Stack
    folder: Path
    stem: str
    chain: Chain = field(default_factory=Chain)
    segment: SegmentSettings = field(default_factory=SegmentSettings)
    maps: MapSettings = field(default_factory=MapSettings)
    post: PostSettings = field(default_factory=PostSettings)
    measure: MeasureSettings = field(default_factory=MeasureSettings)
    overwrite: bool = False

    def settings_record(self) -> dict[str, Any]:
        """The settings of all stages, for the run record."""
        return {
            "segment": self.segment.to_json(),
            "maps": self.maps.to_json(),
            "post": self.post.to_json(),
            "measure": self.measure.to_json(),
        }


def segment_to_files(
    request: RunRequest, bundle: Bundle, *, track: Track = silent
) -> dict[str, Any]:
    """Segment and measure a stack; returns the run record.

    All files appear at the end, or none does.

    Raises
    ------
    ValueError
        If preprocessing does not fit the stack; raised before any work.
    OSError
        If the folder cannot be written to or the disk is full.
    """
    record: dict[str, Any] = {}

    def to_the_record() -> Generator[FrameResult]:
        record.update((yield from written_frames(request, bundle)))

    with closing(to_the_record()) as results:
        first = islice(results, 1)  # before there is progress to show: it fails if anything does
        for _ in track(chain([*first], results), len(request.stack), "segmenting"):
            pass
    return record


def written_frames(
    request: RunRequest, bundle: Bundle, *, more: Mapping[str, Any] | None = None
) -> Generator[FrameResult, None, dict[str, Any]]:
    """What :func:`segment_to_files` does, frame by frame; the run record is what it returns.

    more : entries of the record. Closing the generator leaves no file. Raises the same.
    """
    clock, stack, confidence = StageClock(), request.stack, request.maps.confidence
    request.measure.require_frames(len(stack))
    if not request.overwrite:
        protect_earlier_results(request)
    threading.Thread(target=_load_ahead, daemon=True).start()
    with OutputFiles(request.folder) as files, InputHashes(stack.files) as hashes:
        files.check(result_names(request.stem, confidence=confidence))
        with clock.stage("preprocess_fit"):
            prepared = prepare(stack, request.chain, bundle)
            ready = prepared.stack
        with clock.stage("load_model"):
            engine = kept_engine(bundle, request.segment, confidence=confidence)
        scheme, experiment = bundle.card.scheme, stack.experiment
        results = frame_results(
            ready,
            engine,
            scheme,
            experiment,
            settings=request.segment,
            post=request.post,
            measure=request.measure,
        )
        with ResultFiles(
            files,
            request.stem,
            ready.shape,
            experiment,
            confidence=confidence,
            measure=request.measure,
        ) as writer:
            with clock.stage("frames"), closing(results):
                for result in results:
                    writer.append(result)
                    yield result
            with clock.stage("tables"):
                writer.finish()
            record = run_record(
                inputs=hashes.records(),
                source=source_of(stack),
                outputs=writer.output_records(),
                settings=request.settings_record(),
                chain=prepared.chain.to_json(),
                model=prepared.model,
                engine={"name": engine.name, "device": engine.device},
                clock=clock,
                notes=ready.notes,
                experiment=experiment.to_json(),
                label_scheme=scheme.to_json(),
                command=recorded(
                    lambda: segment_words(replace(request, chain=prepared.chain), bundle)
                ),
                **(more or {}),
            )
            record = writer.record(record)
    return record


def _load_ahead() -> None:
    """Load what the tables need at the end while the network is loaded: it takes a second."""
    for name in ("pandas", "laptrack"):
        import_module(name)


def quantify_to_files(
    request: RunRequest,
    *,
    scheme: LabelScheme = DEFAULT_SCHEME,
    truth: Stack | None = None,
    track: Track = silent,
) -> dict[str, Any]:
    """Measure a label stack on disk; returns the run record. Raises as :func:`segment_to_files`.

    truth : ground truth of the same frames, to write the errors of the numbers as well; the record
    then has ``scores`` and ``errors`` as that of an evaluation.
    """
    clock, stack = StageClock(), request.stack
    request.measure.require_frames(len(stack))
    if truth is not None:
        require_same_shape(stack, truth)
    if not request.overwrite:
        protect_other_tables(request)
    with (
        OutputFiles(request.folder) as files,
        InputHashes(stack.files) as hashes,
        InputHashes(() if truth is None else truth.files) as of_truth,
    ):
        maker, known = made_by(stack, request.stem, hashes)
        results = measure_stack(stack, scheme=scheme, settings=request.measure)
        with ResultFiles(
            files,
            request.stem,
            stack.shape,
            stack.experiment,
            labels=False,
            measure=request.measure,
        ) as writer:
            with clock.stage("frames"):
                _write(writer, with_uncertainty(results, known), track, len(stack), "measuring")
            with clock.stage("tables"):
                writer.finish()
            compared: dict[str, Any] = {}
            if truth is not None:
                pixels = Confusion(scheme)
                rows = error_rows(stack, truth, pixels, settings=request.measure)
                with clock.stage("errors"):
                    told = track(rows, len(stack), "comparing")
                    compared["errors"] = write_errors(told, files, request.stem)
                compared["scores"] = pixels.to_json()
            record = run_record(
                inputs=hashes.records(),
                truth=of_truth.records() or None,
                labels=source_of(stack),
                settings={"measure": request.measure.to_json()},
                outputs=writer.output_records(),
                clock=clock,
                notes=stack.notes,
                experiment=stack.experiment.to_json(),
                label_scheme=scheme.to_json(),
                command=recorded(lambda: quantify_words(request, scheme=scheme, truth=truth)),
                labels_made_by=maker,
                **compared,
            )
            record = writer.record(record)
    return record


def _write(
    writer: ResultFiles, results: Generator[FrameResult], track: Track, total: int, what: str
) -> None:
    try:
        for result in track(results, total, what):
            writer.append(result)
    finally:
        results.close()
