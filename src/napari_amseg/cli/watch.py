"""``amseg watch``: stacks are segmented and measured as the camera writes them."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from napari_amseg.cli.arguments import (
    ChainOptions,
    FrameRate,
    ModelName,
    OutFolder,
    PixelSize,
    ScanSpeed,
    build_chain,
)
from napari_amseg.cli.interrupt import interruptible
from napari_amseg.cli.progress import err
from napari_amseg.cli.result_notes import scale_notes, table_notes
from napari_amseg.cli.segment import draw_figures, in_words, remove_stale
from napari_amseg.io import read_stack
from napari_amseg.measure import MeasureSettings
from napari_amseg.models import load_bundle
from napari_amseg.pipeline.watch.events import (
    FrameMeasured,
    Remark,
    StackDone,
    StackFailed,
    StackFound,
    StackKnown,
    Waiting,
    WatchEvent,
    WatchRequest,
    WatchSettings,
)
from napari_amseg.pipeline.watch.folder import watch as watched
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings

_EXIT_SOME_FAILED = 1
_RATE_OVER_S = 3.0


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder into which the camera writes.")],
    out: OutFolder,
    preprocessing: ChainOptions,
    segmenting: SegmentSettings,
    maps: MapSettings,
    post: PostSettings,
    measuring: MeasureSettings,
    watching: WatchSettings,
    model: ModelName = "fast",
    pixel_size: PixelSize = None,
    frame_rate: FrameRate = None,
    scan_speed: ScanSpeed = None,
    until_idle: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            help="End when all is done and nothing came for so long; without it, Ctrl-C ends.",
        ),
    ] = None,
    figures: Annotated[
        bool, typer.Option(help="Also draw the series and an overlay of each stack.")
    ] = True,
) -> None:
    """Segment and measure stacks as they are written into a folder.

    A stack is a file of many frames, or numbered images; sub-folders are watched too. While one
    grows, OUT/STEM_live.csv shows the rows of its frames, with the grey limits of the first ones.
    When it has not changed for --settle seconds, the files that amseg segment writes appear in OUT.
    Stacks that have their results already are not done again.

    Example: amseg watch /data/run7 --pixel-size 2 --frame-rate 50000 -o results
    """
    request = WatchRequest(
        folder=folder,
        out=out,
        chain=build_chain(preprocessing),
        segment=segmenting,
        maps=maps,
        post=post,
        measure=measuring,
        watch=watching,
        pixel_size_um=pixel_size,
        frame_rate_hz=frame_rate,
        scan_speed_mm_s=scan_speed,
        until_idle_s=until_idle,
    )
    bundle = load_bundle(model)
    err.print(f"loading model {bundle.name} ...", highlight=False)
    failed = interruptible(
        lambda cancelled: watched(request, bundle, stopped=cancelled),
        _Show(out, figures=figures).show,
        f"finished stacks are in {out}; the same command goes on with the others.",
    )
    if failed:
        raise typer.Exit(_EXIT_SOME_FAILED)


class _Show:
    """A watch on the terminal: a line a stack, and one that tells what goes on."""

    def __init__(self, out: Path, *, figures: bool) -> None:
        self._out, self._figures = out, figures
        self._failed: dict[str, StackFailed] = {}
        self._n_done = self._n_known = 0
        self._scaled: set[str] = set()  # stacks of which it was told what their tables lack
        self._times: deque[float] = deque(maxlen=10_000)

    def show(self, events: Iterator[WatchEvent]) -> tuple[StackFailed, ...]:
        """Show events until the last; returns what failed and was not done later."""
        try:
            with err.status("looking ...") as status:
                for event in events:
                    text = self._show(event)
                    if text:
                        status.update(text)
        finally:
            self._end()
        return tuple(self._failed.values())

    def _show(self, event: WatchEvent) -> str:
        """Print what stays; gives what is true until the next event."""
        if isinstance(event, FrameMeasured):
            return self._frame(event)
        if isinstance(event, Waiting):
            unfinished = ", ".join(event.unfinished[:3])
            return f"waiting for {unfinished} to be complete" if unfinished else "waiting"
        if isinstance(event, StackFound):
            self._failed.pop(event.source, None)
            what = "follows" if event.growing else "complete, segmenting"
            _say(f"{event.stem}: {what} {event.source}")
        elif isinstance(event, StackDone):
            self._done(event)
        elif isinstance(event, StackKnown):
            self._n_known += 1
            told = f", made with other {event.note}: not done again" if event.note else ""
            _say(f"{event.stem}: has its results{told}")
        elif isinstance(event, StackFailed):
            self._failed[event.source] = event
            _say(f"{event.stem}: failed: {event.reason}")
        elif isinstance(event, Remark):
            _say(f"{event.stem}: {event.text}" if event.stem else event.text)
        return ""

    def _frame(self, event: FrameMeasured) -> str:
        if event.stem not in self._scaled:
            self._scaled.add(event.stem)
            _say_notes(event.stem, scale_notes(event.experiment))
        now = time.monotonic()
        self._times.append(now)
        while self._times[0] < now - _RATE_OVER_S:
            self._times.popleft()
        rate = len(self._times) / _RATE_OVER_S
        far = f"frame {event.frame + 1} of {event.n_frames}"
        return f"{event.stem}: {far}{' so far' if event.provisional else ''}, {rate:.0f} frames/s"

    def _done(self, event: StackDone) -> None:
        self._n_done += 1
        for source in [s for s, f in self._failed.items() if f.stem == event.stem]:
            del self._failed[source]
        table = self._out / f"{event.stem}_frames.csv"
        typer.echo(table)
        try:
            self._draw(event)
        except Exception as error:  # the numbers are there
            _say(f"{event.stem}: the figures could not be drawn: {error}")
        _say(
            f"{event.stem}: {event.n_frames} frames in {event.seconds:.1f} s, {self._words(event)}"
        )
        _say_notes(event.stem, table_notes(table))

    def _draw(self, event: StackDone) -> None:
        remove_stale(self._out, event.stem, ("series.png", "overlay.png"))
        if self._figures:
            with read_stack(event.files) as stack:
                draw_figures(stack, self._out, event.stem, event.record)

    def _words(self, event: StackDone) -> str:
        path = self._out / f"{event.stem}_summary.json"
        return in_words(json.loads(path.read_text(encoding="utf-8")))

    def _end(self) -> None:
        known = f", {self._n_known} had their results" if self._n_known else ""
        _say(f"{self._n_done} stacks done{known}, {len(self._failed)} failed.")
        for failure in self._failed.values():
            _say(f"failed: {failure.source}: {failure.reason}")


def _say_notes(stem: str, notes: Iterable[str]) -> None:
    for note in notes:
        _say(f"{stem}: {note}")


def _say(text: str) -> None:
    err.print(text, highlight=False, markup=False)
