"""One run of the *Segment* widget: its labels layer, its rows, its progress, its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_amseg.measure.frame_notes import frame_notes
from napari_amseg.measure.speed_notes import speed_notes
from napari_amseg.models import Bundle
from napari_amseg.pipeline import RunRequest
from napari_amseg.pipeline.earlier_results import source_of
from napari_amseg.pipeline.jobs import Failed, Finished, FrameDone, Glimpse, Started
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.activity import Activity
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.edits import Edits
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.layers import (
    KEY,
    ImageSource,
    LabelSource,
    Preview,
    current_frame,
    labels_layer,
    place_on,
)
from napari_amseg.plugin.measure.results import Results
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.plugin.segment.job import (
    LayerJob,
    Progress,
    Record,
    frame_order,
    in_words,
    run_layer_job,
)
from napari_amseg.plugin.tasks import follow
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.words import counted

if TYPE_CHECKING:
    import napari
    from napari.layers import Image, Labels, Layer


class SegmentRun:
    """Makes the labels layer, feeds it from a job and keeps what the job says.

    Beside it, if wanted, a layer of the confidence (`maps`).

    Raises
    ------
    OSError
        If there is no room for the labels.
    """

    def __init__(
        self,
        viewer: napari.components.ViewerModel,
        image: Layer,
        source: ImageSource,
        bundle: Bundle,
        settings: SegmentSettings,
        first: int,
        *,
        maps: MapSettings,
        post: PostSettings,
    ):
        shape = tuple(int(n) for n in image.data.shape)
        shape = shape if len(shape) == 3 else (1, *shape)
        path, array = scratch_array(shape, "uint8", what="labels")
        confidence_path, confidence = (
            scratch_array(shape, "uint8", what="confidence maps")
            if maps.confidence
            else (None, None)
        )
        self._viewer = viewer
        self.job = LayerJob(
            source,
            bundle,
            frame_order(shape[0], first),
            array,
            path,
            settings,
            post,
            confidence=confidence,
            confidence_path=confidence_path,
        )
        self._request = RunRequest(
            source.stack, Path(), safe_stem(image.name), source.chain, settings, maps, post
        )
        self.progress = Progress(shape[0])
        self.results = Results(shape[0], source.experiment, self.job.measure)
        self.confidence_layer = self._make_confidence(image)
        self.layer = self._make_layer(image)
        self._was_shown = False
        self.cancel = cancel_event()
        self.ended, self.outcome, self.error = False, "", ""
        self._fresh: set[int] = set()
        self._activity = Activity()
        self._worker: Any = None
        self._begin = time.monotonic()
        self._started: Started | None = None

    def _make_layer(self, image: Layer) -> Labels:
        from napari.layers import Labels

        source = LabelSource(
            self.job.source.experiment,
            self.job.bundle.card.scheme,
            self.results,
            made_by=(self._request, self.job.bundle),
        )
        data, options, _ = labels_layer(
            self.job.labels, f"{image.name} labels", source, place_on(image)
        )
        layer = Labels(data, **options)
        self._edited = False  # while it ran
        self._edits = Edits(layer, self._on_edit)
        return layer

    def _make_confidence(self, image: Layer) -> Image | None:
        from napari.layers import Image

        if self.job.confidence is None:
            return None
        return Image(
            self.job.confidence,
            name=f"{image.name} confidence",
            metadata={KEY: Preview()},
            contrast_limits=(0, 255),
            colormap="viridis",
            opacity=0.6,
            **place_on(image),
        )

    def show(self) -> None:
        """Add the layers to the viewer, the confidence between the image and its labels.

        Still hidden: what napari builds for them takes a tenth of a second, drawing them half as
        long. Call this and :meth:`reveal` in turns of the event loop of their own.
        """
        for layer in (self.confidence_layer, self.layer):
            if layer is not None:
                layer.visible = False
                self._viewer.add_layer(layer)
        self._was_shown = True

    def reveal(self) -> None:
        """Draw the layers that :meth:`show` added."""
        for layer in self._shown():
            layer.visible = True

    def _shown(self) -> list[Layer]:
        """The layers of this run that are still in the viewer."""
        ours = (self.layer, self.confidence_layer)
        return [layer for layer in ours if layer is not None and layer in self._viewer.layers]

    def _on_edit(self, layer: Layer) -> None:
        """Rows no longer describe labels that were painted on, or whose painting was undone."""
        self._edited = True
        source = layer.metadata.get(KEY)
        if self.ended and isinstance(source, LabelSource) and source.results is not None:
            layer.metadata = {**layer.metadata, KEY: replace(source, results=None)}
            self.results.mark_stale()

    def start(self, process: ComputeProcess) -> None:
        """Run the job in a thread that supervises the compute process."""
        self._worker = follow(
            run_layer_job,
            self.job,
            process,
            self.cancel,
            take=self._take,
            ended=self._on_worker_end,
        )

    def _take(self, records: list[Record]) -> None:
        """Records came: keep them; drawing waits for :meth:`refresh`."""
        self.progress.count(records, time.monotonic())
        for record in records:
            if isinstance(record, FrameDone):
                self.results.add(record.frame, record.row, record.pores)
                self._fresh.add(record.frame)
            elif isinstance(record, Glimpse):
                self._fresh.add(record.frame)
            elif isinstance(record, Started):
                self._started = record
            elif isinstance(record, Finished):
                self._finish(record)
            elif isinstance(record, Failed):
                self._fail(record)

    def refresh(self) -> None:
        """Redraw if the shown frame is new; cheap if not. Call by a timer."""
        if not self._was_shown:
            return
        if self.layer not in self._viewer.layers:
            self.cancel.set()  # nobody will see the rest
            return
        if not self._fresh:
            return
        self._activity.show(self.progress.done, self.progress.n_frames)
        if current_frame(self._viewer, self.layer) in self._fresh:
            for layer in self._shown():
                layer.refresh(thumbnail=False, extent=False, highlight=False)
        self._fresh.clear()
        self.results.changed.emit()

    def _finish(self, finished: Finished) -> None:
        done, n_frames = self.progress.done, self.progress.n_frames
        seconds = finished.seconds.get("frames", time.monotonic() - self._begin)
        if finished.cancelled:
            self.outcome = f"Cancelled: {done} of {n_frames} frames are done."
        else:
            took = f"in {in_words(seconds)}, {self.progress.device}."
            self.outcome = f"{counted(done, 'frame')} {took}"
        self._keep_record(finished)

    def notes_task(self) -> Callable[[], tuple[str, ...]]:
        """What gives the notes on the run and on its numbers; it may be called in a thread.

        Not the one on pores that stand still: these would have to be followed, as *Measure* does.
        """
        started = self._started.notes if self._started else ()
        rows = self.results.measurements.copy()
        return lambda: (
            *started,
            *rows.notes(),
            *speed_notes(rows.summary(pores_tracked=False)),
            *frame_notes(rows.frames()),
        )

    def _keep_record(self, finished: Finished | None) -> None:
        source = self.layer.metadata.get(KEY)
        if isinstance(source, LabelSource):
            updated = replace(source, run=self._run_record(finished))
            self.layer.metadata = {**self.layer.metadata, KEY: updated}

    def _run_record(self, finished: Finished | None) -> dict[str, Any]:
        """What made these labels, for the run record; finished : None if it failed."""
        engine, done, n_frames = self._started, self.progress.done, self.progress.n_frames
        notes = list(engine.notes) if engine else []
        if done < n_frames:
            notes.append(f"only {done} of {n_frames} frames were segmented")
        return {
            "files": list(self.job.source.stack.files),
            "source": source_of(self.job.source.stack),
            "settings": self._request.settings_record(),
            "segmented": {"frames": done, "of": n_frames},
            "chain": finished.chain if finished else None,
            "model": finished.model if finished else None,
            "engine": {"name": engine.engine, "device": engine.device} if engine else None,
            "seconds": finished.seconds if finished else {},
            "notes": notes,
        }

    def _fail(self, failed: Failed) -> None:
        self.error = failed.message
        self.outcome = failed.message
        self._keep_record(None)
        if not self.progress.done:
            for layer in self._shown():
                self._viewer.layers.remove(layer)

    def _on_worker_end(self) -> None:
        self.refresh()
        for layer in self._shown():
            layer.refresh()  # with the thumbnail, once
        self._activity.end()
        self.ended = True
        if self._edited:
            self._on_edit(self.layer)
        self.results.changed.emit()
