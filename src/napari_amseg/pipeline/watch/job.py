"""Watching in the compute process: what it tells the process that draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing

from napari_amseg.models import load_bundle
from napari_amseg.pipeline.jobs import Answer, Doing, Finished, Started, WatchJob
from napari_amseg.pipeline.watch.events import FrameMeasured, WatchedFrame
from napari_amseg.pipeline.watch.folder import engine_of, watch

_PICTURE_EVERY_S = 0.15  # nobody sees more, and a picture costs more than its numbers


def watch_answers(job: WatchJob, cancelled: Callable[[], bool]) -> Generator[Answer]:
    """The events of a watch until it is cancelled, or until its folder has been idle.

    cancelled : need not say so twice. Raises as :func:`.watch.watch`.
    """
    said = False

    def stopped() -> bool:
        nonlocal said
        said = said or cancelled()
        return said

    bundle = load_bundle(job.bundle)
    yield Doing("loading the model")
    engine = engine_of(job.request, bundle)
    yield Started(engine.name, engine.device)
    shown_at = 0.0
    with closing(watch(job.request, bundle, stopped=stopped)) as events:
        for event in events:
            if not isinstance(event, FrameMeasured):
                yield event
                continue
            picture = time.monotonic() - shown_at > _PICTURE_EVERY_S
            yield _sent(event, picture=picture)
            if picture:
                shown_at = time.monotonic()
    yield Finished(said)


def _sent(event: FrameMeasured, *, picture: bool) -> WatchedFrame:
    return WatchedFrame(
        event.stem,
        event.frame,
        event.n_frames,
        event.row,
        event.pores,
        event.provisional,
        event.experiment,
        event.raw() if picture else None,
        event.labels if picture else None,
    )
