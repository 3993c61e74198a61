"""The result files of one stack, written as the frames come."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any

from napari_amseg.io import OutputFiles, TiffStackWriter, write_json, write_table
from napari_amseg.measure import Measurements, MeasureSettings
from napari_amseg.measure.speed_notes import speed_notes
from napari_amseg.pipeline.stack import FrameResult
from napari_amseg.provenance import sha256
from napari_amseg.types import Experiment

_MAPS = ("labels.tif", "confidence.tif")
_TABLES = ("frames.csv", "pores.csv", "pore_tracks.csv")


def result_names(stem: str, *, labels: bool = True, confidence: bool = False) -> list[str]:
    """The files of one stack, by their final names."""
    maps = [name for name, there in zip(_MAPS, (labels, confidence), strict=True) if there]
    kinds = (*maps, *_TABLES, "summary.json", "run.json")
    return [f"{stem}_{kind}" for kind in kinds]


class ResultFiles:
    """Labels, confidence, tables and summary of one stack.

    Parameters
    ----------
    files : set of output files they belong to; they appear when its block ends well.
    stem : what their names begin with. shape : (T, Y, X) of the stack.
    experiment : pixel size and frame rate for the tags. labels : whether to write the label stack.
    confidence : whether to write that map; frames then have it. measure : how the rows were
        measured.
    """

    def __init__(
        self,
        files: OutputFiles,
        stem: str,
        shape: tuple[int, int, int],
        experiment: Experiment,
        *,
        labels: bool = True,
        confidence: bool = False,
        measure: MeasureSettings | None = None,
    ) -> None:
        self._names = result_names(stem, labels=labels, confidence=confidence)
        files.check(self._names)
        self._files, self._stem, self._open = files, stem, ExitStack()
        self.measurements = Measurements(experiment, measure)
        self._labels: TiffStackWriter | None = None
        self._confidence: TiffStackWriter | None = None
        try:
            if labels:
                path = files.path(f"{stem}_labels.tif")
                writer = TiffStackWriter(path, shape, "uint8", experiment, labels=True)
                self._labels = self._open.enter_context(writer)
            if confidence:
                path = files.path(f"{stem}_confidence.tif")
                writer = TiffStackWriter(path, shape, "uint8", experiment)
                self._confidence = self._open.enter_context(writer)
        except BaseException as error:  # Windows cannot remove a file that is open
            self._open.__exit__(type(error), error, error.__traceback__)
            raise

    def append(self, result: FrameResult) -> None:
        """Write one frame; frames come in order."""
        if self._labels is not None:
            self._labels.append(result.labels)
        if self._confidence is not None and result.confidence is not None:
            self._confidence.append(result.confidence)
        self.measurements.append(result.row, result.pores)

    def append_packed(
        self,
        row: dict[str, Any],
        pores: list[dict[str, Any]],
        labels: bytes,
        confidence: bytes | None = None,
    ) -> None:
        """Write one frame whose maps :meth:`TiffStackWriter.encode` has packed already."""
        if self._labels is not None:
            self._labels.append_encoded(labels)
        if self._confidence is not None and confidence is not None:
            self._confidence.append_encoded(confidence)
        self.measurements.append(row, pores)

    def finish(self) -> None:
        """Finish the maps and write the tables, after the last frame."""
        self._open.close()
        found = self.measurements
        # One after the other: of a long stack each is tens of megabytes.
        for name, table in zip(_TABLES, (found.frames, found.pores, found.tracks), strict=True):
            write_table(self._files.path(f"{self._stem}_{name}"), table())

    def output_records(self) -> list[dict[str, str]]:
        """Name and SHA-256 of the labels and tables written, for the run record."""
        written = self._names[:-2]  # all but the records
        return [{"name": name, "sha256": sha256(self._files.path(name))} for name in written]

    def record(self, run: Mapping[str, Any]) -> dict[str, Any]:
        """Write the summary and the run record; call once, after the last frame.

        Returns the record as written: with the notes that measuring made.
        """
        summary = self.measurements.summary()
        measured = (*self.measurements.notes(), *speed_notes(summary))
        run = {**run, "notes": [*run.get("notes", ()), *measured]}
        write_json(self._files.path(f"{self._stem}_summary.json"), summary)
        write_json(self._files.path(f"{self._stem}_run.json"), run)
        return run

    def __enter__(self) -> ResultFiles:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.__exit__(kind, error, trace)
