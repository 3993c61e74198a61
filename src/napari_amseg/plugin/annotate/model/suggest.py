"""A model's labels as suggestions, frame by frame, and what speaks for correcting each."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.advisor import FrameRemarks, frame_remarks
from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.change import Change
from napari_amseg.labels import LabelScheme
from napari_amseg.models import Bundle
from napari_amseg.pipeline.jobs import Failed, Finished, FrameDone
from napari_amseg.pipeline.supervise import ComputeProcess
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.cancel import cancel_event
from napari_amseg.plugin.scratch import scratch_array
from napari_amseg.plugin.segment.job import LayerJob, Progress, Record, in_words, run_layer_job
from napari_amseg.plugin.tasks import follow
from napari_amseg.words import counted


class Suggestion:
    """Runs a model over frames in the compute process; what is confirmed stays.

    With the status `SUGGESTED`, for frames that nobody looks at, all labels of frames in progress
    stay, and only unlabelled pixels are filled there: what an aid or a person made is not lost.
    All of it is one step that can be undone, or several if somebody painted meanwhile.

    Parameters
    ----------
    frames : in the order to do them. status : of a frame nobody worked on, afterwards.

    Attributes
    ----------
    remarks : by frame, for the advisor. ended : whether nothing more comes.
    outcome : how it ended, in words. error : why it failed, or empty.

    Raises
    ------
    ValueError
        If the model has a class that the annotation lacks.
    OSError
        If there is no temporary room.
    """

    def __init__(
        self,
        session: Session,
        bundle: Bundle,
        frames: tuple[int, ...],
        *,
        status: Status = Status.SUGGESTED,
        overwrite: bool = False,
    ) -> None:
        shape = session.annotation.labels.shape
        self._session, self._status, self._overwrite = session, status, overwrite
        self._codes = recoding(bundle.card.scheme, session.scheme)
        path, self._labels = scratch_array(shape, np.uint8, what="suggested labels")
        confidence_path, self._confidence = scratch_array(shape, np.uint8, what="confidence maps")
        self.job = LayerJob(
            session.source,
            bundle,
            frames,
            self._labels,
            path,
            confidence=self._confidence,
            confidence_path=confidence_path,
        )
        self.progress = Progress(len(frames))
        self.remarks: dict[int, FrameRemarks] = {}
        self.cancel = cancel_event()
        self.ended, self.outcome, self.error = False, "", ""
        self._waiting: list[FrameDone] = []
        self._step: list[Change] | None = None
        self._n_filled = 0
        self._worker: Any = None

    def start(self, process: ComputeProcess) -> None:
        """Begin."""
        self._worker = follow(
            run_layer_job,
            self.job,
            process,
            self.cancel,
            take=self._take,
            ended=self._on_worker_end,
        )

    def _take(self, records: list[Record]) -> None:
        self.progress.count(records, time.monotonic())
        self._waiting += [record for record in records if isinstance(record, FrameDone)]
        self._session.when_no_stroke(self._write)
        for record in records:
            if isinstance(record, Failed):
                self.outcome = self.error = record.message
            elif isinstance(record, Finished):
                self.outcome = self._in_words(record)

    def _write(self) -> None:
        """Put the labels that came into the frames."""
        done, self._waiting = self._waiting, []
        if self._session.is_closed or not done:
            return
        changes = [self._change(record.frame) for record in done]
        self._step = self._session.extend(self._step, changes)
        for record in done:
            self._remark(record)

    def _change(self, frame: int) -> Change | None:
        codes = self._codes[self._labels[frame]]
        annotation, where = self._session.annotation, codes != 0
        if self._status == Status.SUGGESTED and annotation.status(frame) == Status.IN_PROGRESS:
            where &= annotation.labels[frame] == 0
            self._n_filled += 1
        return annotation.propose(
            frame, codes, where=where, overwrite=self._overwrite, status=self._status
        )

    def _remark(self, record: FrameDone) -> None:
        self.remarks[record.frame] = frame_remarks(
            record.frame,
            self._session.labels_of(record.frame),
            self._session.scheme,
            uncertainty=record.row.get("uncertainty"),
            confidence=self._confidence[record.frame],
        )

    def _in_words(self, finished: Finished) -> str:
        done = self.progress.done
        if finished.cancelled:
            return f"Cancelled: {done} of {self.progress.n_frames} frames have suggestions."
        seconds = in_words(finished.seconds.get("frames", 0.0))
        return f"Suggestions in {done} frames, in {seconds}, {self.progress.device}."

    def _kept_in_words(self) -> str:
        n = self._n_filled
        return (
            f"\n{counted(n, 'frame')} in progress: only unlabelled pixels were filled. "
            "Suggest here replaces what is not confirmed."
        )

    def _on_worker_end(self) -> None:
        self._session.when_no_stroke(self._end)

    def _end(self) -> None:
        self._write()
        if self._n_filled and not self.error:
            self.outcome += self._kept_in_words()
        self.ended = True


def recoding(given: LabelScheme, wanted: LabelScheme) -> NDArray[np.uint8]:
    """Table (256,) from the codes of one scheme to those of another, class by class of one role.

    Raises
    ------
    ValueError
        If `wanted` lacks a class; names it.
    """
    table = np.zeros(256, np.uint8)
    for c in given.classes:
        code = wanted.code_of(c.role)
        if code is None:
            raise ValueError(
                f"there it has {c.name!r}, which this annotation does not know "
                f"({', '.join(wanted.names)}): annotate with classes that hold all of them."
            )
        table[c.code] = code
    return table
