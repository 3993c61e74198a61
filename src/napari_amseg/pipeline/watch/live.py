"""A stack that is still being written: its whole frames measured, for the time being.

The grey limits of a stack are percentiles over all of it, so they are not known before its end.
Until then those of its first frames are used; a background is theirs too, and a flat stays the one
before the stack. The rows tell what goes on, and are no result: when the stack is complete it is
segmented from its beginning, as ``amseg segment`` does.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

from napari_amseg.io import TableWriter
from napari_amseg.io.atomic import part_path
from napari_amseg.io.growing import GrowingSequence, GrowingTiff
from napari_amseg.measure.frame import FRAME_COLUMNS
from napari_amseg.models import Bundle
from napari_amseg.pipeline.prepare import prepare
from napari_amseg.pipeline.stack import FrameResult, frame_results
from napari_amseg.pipeline.watch.events import FrameMeasured, WatchRequest
from napari_amseg.pipeline.watch.scan import Source
from napari_amseg.preprocess import Chain, FlatField
from napari_amseg.segment import Engine
from napari_amseg.types import Stack

LIMITS = "grey_limits"
COLUMNS = (*FRAME_COLUMNS, "uncertainty", LIMITS)
_FRAMES_AT_ONCE = 64


class LiveTable:
    """``<stem>_live.csv``: a row a frame as it is measured, only ever added to, always whole rows.

    ``grey_limits`` says from which frames they are: ``first 20`` or ``all``. The file goes when the
    tables of the complete stack are there. Where a file of that name is not such a table it stays,
    and this one is called ``<stem>_live_2.csv``. Over the rows of an earlier try it is written
    only when it has as many: until then it is a hidden file beside them.

    Attributes
    ----------
    path : of the table. replaces : whether there was one of an earlier try.
    """

    def __init__(self, folder: Path, stem: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        numbers = chain([""], (f"_{i}" for i in count(2)))
        self.path = next(filter(_is_free, (folder / f"{stem}_live{n}.csv" for n in numbers)))
        self.replaces = self.path.exists()
        self._n_earlier = _n_rows(self.path) if self.replaces else 0
        self._written = part_path(self.path) if self._n_earlier else self.path
        self._writer = TableWriter(self._written, COLUMNS)
        self._writer.flush()
        self.n_rows = 0

    def append(self, event: FrameMeasured, limits: str) -> None:
        """Add a frame, unless it has its row."""
        if event.frame == self.n_rows:
            self._writer.append({**event.row, LIMITS: limits})
            self._writer.flush()
            self.n_rows += 1
            if self._written != self.path and self.n_rows >= self._n_earlier:
                self._take_place()

    def _take_place(self) -> None:
        """Replace the table of the earlier try; closed meanwhile, as not every system lets an open
        file be renamed.
        """
        self._writer.close()
        os.replace(self._written, self.path)
        self._written = self.path
        self._writer = TableWriter(self.path, COLUMNS, goes_on=True)

    def remove(self) -> None:
        """Close and delete it, and what an earlier try left."""
        self.discard()
        self.path.unlink(missing_ok=True)

    def discard(self) -> None:
        """Close and delete it; more rows of an earlier try stay."""
        self._writer.close()
        self._written.unlink(missing_ok=True)

    def close(self) -> None:
        """Close it and keep it, or the earlier one if that has more rows."""
        if self._written == self.path:
            self._writer.close()
        else:
            self.discard()


def _is_free(path: Path) -> bool:
    """Whether nothing is lost if a live table is written there: an earlier one may be."""
    try:
        with path.open("rb") as file:
            return file.readline() in (b"", ",".join(COLUMNS).encode() + b"\n")
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _n_rows(path: Path) -> int:
    """Whole rows below the header."""
    with path.open("rb") as file:
        return max(0, sum(line.endswith(b"\n") for line in file) - 1)


def live_chain(asked: Chain) -> Chain:
    """The chain for a stack whose end is not known, so neither how far the flat has drifted."""
    steps = (
        replace(step, flat_after=None, sha256=())
        if isinstance(step, FlatField) and step.flat_after is not None
        else step
        for step in asked.steps
    )
    return Chain(tuple(steps))


class LateImagesError(ValueError):
    """Images of a sequence came between those that were measured: their numbers were wrong."""


class Follower:
    """Measures the frames of a stack that grows, as often as it is asked to.

    Raises
    ------
    ValueError
        If the chain does not fit the first frames; from :meth:`results` too.
    """

    def __init__(self, request: WatchRequest, bundle: Bundle, engine: Engine) -> None:
        self._request, self._bundle, self._engine = request, bundle, engine
        self._growing: GrowingTiff | GrowingSequence | None = None
        self._ready: Stack | None = None
        self._n_done = 0

    def results(self, source: Source) -> Generator[FrameMeasured]:
        """The frames that have become whole since, some of them at once."""
        try:
            n_frames = self._grow(source)
            if n_frames >= self._request.watch.first_frames:
                yield from self._measured(source.stem, n_frames)
        finally:
            if isinstance(self._growing, GrowingTiff):
                self._growing.release()

    def _grow(self, source: Source) -> int:
        if source.is_sequence:
            whole = source.files[: source.whole]
            if self._growing is None:
                self._growing = GrowingSequence(whole)
            elif isinstance(self._growing, GrowingSequence) and not self._growing.grow(whole):
                raise LateImagesError("images came late, with numbers of earlier frames")
            return len(whole)
        if self._growing is None:
            self._growing = GrowingTiff(source.files[0])
        assert isinstance(self._growing, GrowingTiff)
        return self._growing.grow()

    def _measured(self, stem: str, n_frames: int) -> Generator[FrameMeasured]:
        assert self._growing is not None
        raw = self._growing.stack()
        known = replace(raw, experiment=raw.experiment.updated(**self._request.known()))
        if self._ready is None:
            first = replace(raw, shape=(self._request.watch.first_frames, *raw.frame_shape))
            self._ready = prepare(first, live_chain(self._request.chain), self._bundle).stack
        last = min(n_frames, self._n_done + _FRAMES_AT_ONCE)
        results = frame_results(
            replace(self._ready, shape=(n_frames, *self._ready.frame_shape)),
            self._engine,
            self._bundle.card.scheme,
            known.experiment,
            settings=self._request.segment,
            post=self._request.post,
            measure=self._request.measure,
            order=range(self._n_done, last),
        )
        for result in results:
            self._n_done = result.frame + 1
            yield measured(stem, result, known, provisional=True)
        results.close()


def measured(stem: str, result: FrameResult, raw: Stack, *, provisional: bool) -> FrameMeasured:
    """The event of a frame."""
    return FrameMeasured(
        stem,
        result.frame,
        len(raw),
        result.labels,
        result.row,
        result.pores,
        lambda: raw.read(result.frame),
        provisional,
        raw.experiment,
    )
