"""What the *Measure* widget runs in its thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.labels import LabelScheme
from napari_amseg.measure import MeasureSettings
from napari_amseg.pipeline.stack import FrameResult, measure_stack
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.layers import LabelSource, label_source
from napari_amseg.plugin.measure.results import Results
from napari_amseg.provenance import InputHashes, run_record
from napari_amseg.types import Experiment

if TYPE_CHECKING:
    from napari.layers import Layer

_BATCH_SECONDS = 0.15


@dataclass(frozen=True)
class MeasureJob:
    """A click on *Measure*: labels (T, Y, X) or (Y, X) of integers, and what they are."""

    labels: Any
    scheme: LabelScheme
    experiment: Experiment
    settings: MeasureSettings


@dataclass(frozen=True, slots=True)
class Problem:
    """Measuring stopped."""

    error: Exception


def run_measure_job(
    job: MeasureJob, cancel: threading.Event
) -> Generator[list[FrameResult] | Problem]:
    """Results in lists, a few a second; a Problem if something goes wrong."""
    waiting: list[FrameResult] = []
    last = time.monotonic()
    try:
        for result in measure_stack(
            job.labels, scheme=job.scheme, experiment=job.experiment, settings=job.settings
        ):
            if cancel.is_set():
                return
            waiting.append(result)
            if time.monotonic() - last > _BATCH_SECONDS:
                yield waiting
                waiting, last = [], time.monotonic()
        yield waiting
    except Exception as error:  # a worker swallows RuntimeError, so nothing may escape
        yield Problem(error)


class Measuring:
    """Measures a labels layer in a thread; its results fill meanwhile.

    ended : called once in the GUI thread, with the error if there was one; not after a cancel.
    """

    def __init__(
        self,
        layer: Layer,
        experiment: Experiment,
        settings: MeasureSettings,
        ended: Callable[[Exception | None], None],
    ) -> None:
        from napari.qt.threading import create_worker

        n_frames = layer.data.shape[0] if layer.ndim == 3 else 1
        self.results = Results(n_frames, experiment, settings)
        self._ended, self._cancel = ended, cancel_event()
        self._error: Exception | None = None
        self._activity = Activity()
        self._activity.begin(f"Measuring {layer.name}", n_frames)
        job = MeasureJob(layer.data, label_source(layer).scheme, experiment, settings)
        self._worker = create_worker(
            run_measure_job,
            job,
            self._cancel,
            _start_thread=True,
            _connect={"yielded": self._take, "finished": self._on_end},
        )

    def cancel(self) -> None:
        """Stop; what is measured stays."""
        self._cancel.set()
        self._activity.end()

    def _take(self, batch: list[FrameResult] | Problem) -> None:
        if self._cancel.is_set():
            return
        if isinstance(batch, Problem):
            self._error = batch.error
            return
        for result in batch:
            self.results.add(result.frame, result.row, result.pores)
        self._activity.show(self.results.n_done, self.results.n_frames)
        self.results.changed.emit()

    def _on_end(self) -> None:
        self._activity.end()
        if not self._cancel.is_set():
            self._ended(self._error)


def export_record(
    source: LabelSource,
    settings: MeasureSettings,
    *,
    edited: bool,
    origin: str | None = None,
    remark: str = "",
) -> dict[str, Any]:
    """The run record of an export from the viewer; hashes the input files, so call in a thread.

    origin : where the labels come from, see :func:`origin_of`. remark : what else must be known.
    """
    run = source.run
    with InputHashes(run.get("files", ())) as hashes:
        inputs = hashes.records()
    notes = list(run.get("notes", ()))
    if edited:
        notes.append("labels were measured in the viewer; they may have been edited by hand")
    if remark:
        notes.append(remark)
    return run_record(
        inputs=inputs,
        source=origin,
        settings={**run.get("settings", {}), "measure": settings.to_json()},
        chain=run.get("chain"),
        model=run.get("model"),
        engine=run.get("engine"),
        notes=notes,
        seconds_in_viewer=run.get("seconds", {}),
        experiment=source.experiment.to_json(),
        label_scheme=source.scheme.to_json(),
    )


def origin_of(layer: Layer) -> str | None:
    """Where labels come from, in full: what they were made of or, if unknown, opened from.

    The file, or the dataset inside it; of numbered images, the first.
    """
    source = label_source(layer)
    if source.run.get("source"):
        return str(source.run["source"])
    path = source.address[0] if source.address else layer.source.path
    return str(Path(path).resolve()) if path else None
