"""From a stack to its laser line, kymograph and travelling window, as files."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.dataset.names import Track, silent
from napari_amseg.io import OutputFiles, TiffStackWriter, write_json
from napari_amseg.labels import DEFAULT_SCHEME, LabelScheme
from napari_amseg.measure.laser_frame import (
    Window,
    WindowSettings,
    kymograph,
    relative_change,
    substrate_rows,
    travelling_window,
)
from napari_amseg.measure.laser_line import LaserLine, keyhole_edges, line_from_edges
from napari_amseg.measure.laser_search import line_from_projection
from napari_amseg.pipeline.command_line import laser_words, recorded
from napari_amseg.pipeline.stack import checked_labels
from napari_amseg.preprocess import Chain
from napari_amseg.provenance import InputHashes, StageClock, run_record
from napari_amseg.types import Experiment, Stack


@dataclass(frozen=True, slots=True)
class LaserRequest:
    """What to look at and where its files go.

    Attributes
    ----------
    stack : the grey frames. folder, stem : results are ``folder/stem_laser*.*`` and the kymograph.
    labels : label images of the same frames, for the line and to travel along; None without.
    rows : first and end of the rows for the kymograph; those below the surface if None.
    line : the line, if it was given by hand. window : what travels with the laser.
    chain : the user's preprocessing of the frames; labels are of the frames it gives.
    overwrite : whether earlier results may be replaced.
    """

    stack: Stack
    folder: Path
    stem: str
    labels: Stack | None = None
    scheme: LabelScheme = DEFAULT_SCHEME
    rows: tuple[int, int] | None = None
    line: LaserLine | None = None
    window: WindowSettings = field(default_factory=WindowSettings)
    chain: Chain = field(default_factory=Chain)
    overwrite: bool = False

    @property
    def names(self) -> list[str]:
        """The files, by their final names."""
        kinds = ["laser.json", "kymograph.tif", "kymograph.png", "laser_frame.tif"]
        kinds += [] if self.labels is None else ["laser_frame_labels.tif"]
        return [f"{self.stem}_{kind}" for kind in kinds]


@dataclass(frozen=True, slots=True)
class FoundLine:
    """A laser line, the kymograph float32 (T, X) it can be seen in, and the rows of that."""

    line: LaserLine
    xt: NDArray[np.float32]
    rows: tuple[int, int]


def parse_rows(text: str) -> tuple[int, int]:
    """Rows ``A:B``, B excluded, as two numbers.

    Raises
    ------
    ValueError
        If the text has another form.
    """
    try:
        first, end = (int(part) for part in text.split(":"))
    except ValueError:
        raise ValueError(
            f"the rows are {text!r}: write A:B, the first row and the one after the last, "
            "for example 110:250."
        ) from None
    return first, end


def find_line(
    stack: Stack,
    *,
    labels: Stack | None = None,
    scheme: LabelScheme = DEFAULT_SCHEME,
    rows: tuple[int, int] | None = None,
    line: LaserLine | None = None,
    track: Track = silent,
) -> FoundLine:
    """Fit the laser line: from labels if there are any, else from the grey values.

    Raises
    ------
    ValueError
        If labels and frames differ in shape, the rows are not inside the frame, or there is no
        line to be found.
    """
    rows, xt = project(stack, labels=labels, rows=rows, track=track)
    line = line or fit_line_to(xt, labels, scheme=scheme, track=track)
    return FoundLine(line, xt, rows)


def project(
    stack: Stack,
    *,
    labels: Stack | None = None,
    rows: tuple[int, int] | None = None,
    track: Track = silent,
) -> tuple[tuple[int, int], NDArray[np.float32]]:
    """The rows of the kymograph and the kymograph. Raises as :func:`find_line` does."""
    if labels is not None and labels.shape != stack.shape:
        raise ValueError(
            f"labels have shape {labels.shape}, the stack {stack.shape}: they must belong to the "
            "same frames, uncropped."
        )
    rows = rows or substrate_rows(stack)
    return rows, kymograph(stack, rows=rows, track=lambda t: track(t, len(stack), "projecting"))


def fit_line_to(
    xt: NDArray[np.float32],
    labels: Stack | None,
    *,
    scheme: LabelScheme = DEFAULT_SCHEME,
    track: Track = silent,
) -> LaserLine:
    """The line from labels, or from a kymograph without them. Raises as :func:`find_line` does.

    Labels are taken as they are: the options of ``amseg quantify`` that leave out small keyholes,
    set the longest gap in a track or the direction do not apply.
    """
    if labels is None:
        return line_from_projection(xt)
    return _line_from_labels(labels, scheme, track)


def _line_from_labels(labels: Stack, scheme: LabelScheme, track: Track) -> LaserLine:
    edges = track(keyhole_edges(labels, scheme=scheme), len(labels), "finding edges")
    found = [(t, *edge) for t, edge in enumerate(edges) if edge is not None]
    frames, left, right = np.array(found, np.float64).reshape(-1, 3).T
    return line_from_edges(frames, left, right)


def laser_to_files(request: LaserRequest, *, track: Track = silent) -> dict[str, Any]:
    """Find the laser line, write what is seen along it; returns the record.

    All files appear at the end, or none does.

    Raises
    ------
    ValueError
        As :func:`find_line` and :func:`.travelling_window` do.
    OSError
        If the folder cannot be written to, the disk is full, or a file is there already and must
        stay.
    """
    from napari_amseg.report.kymograph import kymograph_figure

    for name in request.names:
        if (request.folder / name).exists() and not request.overwrite:
            raise FileExistsError(
                f"{request.folder / name}: is there already; choose another folder with -o, or "
                "--overwrite."
            )
    if request.labels is not None:
        request = replace(request, labels=checked_labels(request.labels, request.scheme))
    clock = StageClock()
    with clock.stage("preprocess_fit"):
        chain, stack = request.chain.fit_apply(request.stack)
    window = Window.of(request.window, stack.experiment)
    inputs = (*stack.files, *(request.labels.files if request.labels is not None else ()))
    with OutputFiles(request.folder) as files, InputHashes(inputs) as hashes:
        files.check(request.names)
        with clock.stage("line"):
            found = find_line(
                stack,
                labels=request.labels,
                scheme=request.scheme,
                rows=request.rows,
                line=request.line,
                track=track,
            )
        record, tif, picture, *windows = (files.path(name) for name in request.names)
        with TiffStackWriter(tif, (1, *found.xt.shape), "float32", Experiment()) as writer:
            writer.append(found.xt)  # no pixel size: one of its axes is time
        change = relative_change(found.xt)
        kymograph_figure(change, stack.experiment, picture, line=found.line, title=request.stem)
        sources = (stack,) if request.labels is None else (stack, request.labels)
        with clock.stage("frames"):
            for source, path in zip(sources, windows, strict=True):
                cut = travelling_window(source, found.line, window, labels=source is not stack)
                _write(cut, path, track, stack.experiment, labels=source is not stack)
        run = _run_record(request, chain, stack, hashes, clock)
        result = _record(found, window, stack.experiment, run)
        write_json(record, result)
    return result


def _write(cut: Stack, path: Path, track: Track, experiment: Experiment, *, labels: bool) -> None:
    kind = "uint8" if labels else cut.dtype if cut.dtype in ("uint8", "uint16") else "float32"
    what = "cutting labels" if labels else "cutting frames"
    with TiffStackWriter(path, cut.shape, kind, experiment, labels=labels) as writer:
        for frame in track(iter(cut), len(cut), what):
            writer.append(frame.astype(kind, copy=False))


def _run_record(
    request: LaserRequest, chain: Chain, stack: Stack, hashes: InputHashes, clock: StageClock
) -> dict[str, Any]:
    return run_record(
        inputs=hashes.records(),
        settings={"window": request.window.to_json()},
        chain=chain.to_json(),
        clock=clock,
        notes=stack.notes,
        experiment=stack.experiment.to_json(),
        command=recorded(lambda: laser_words(replace(request, chain=chain))),
    )


def _record(
    found: FoundLine, window: Window, experiment: Experiment, run: dict[str, Any]
) -> dict[str, Any]:
    return {
        **found.line.to_json(experiment),
        "kymograph_rows": list(found.rows),
        "window": {
            "ahead_px": window.ahead_px,
            "behind_px": window.behind_px,
            "laser_column_px": window.laser_column(found.line),
            "mirrored": window.mirrors(found.line),
            "first_frame": found.line.first_frame if window.on_only else 0,
        },
        "run": run,
    }
