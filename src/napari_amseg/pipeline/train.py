"""A training with its learning curves drawn beside the bundle."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any

from napari_amseg.io import OutputFiles
from napari_amseg.models import load_bundle
from napari_amseg.models.bundle import TRAINING_FIGURE
from napari_amseg.train import EpochDone, TrainEvent, TrainFinished, TrainRequest, TrainStarted

_SECONDS_BETWEEN_FIGURES = 20.0


def train(
    request: TrainRequest, *, cancelled: Callable[[], bool] = lambda: False
) -> Generator[TrainEvent]:
    """Train and keep ``training.png`` up to date. Yields and raises as
    :func:`napari_amseg.train.run.train_bundle`.
    """
    from napari_amseg.train.run import train_bundle

    history: list[dict[str, Any]] = []
    drawn = time.monotonic()
    with closing(train_bundle(request, cancelled=cancelled)) as events:
        for event in events:
            if isinstance(event, TrainStarted):
                history += event.history
            elif isinstance(event, EpochDone):
                history.append(event.row)
                if time.monotonic() - drawn > _SECONDS_BETWEEN_FIGURES:
                    _draw(request, history)
                    drawn = time.monotonic()
            elif isinstance(event, TrainFinished) and history:
                _draw(request, history)
            yield event


def _draw(request: TrainRequest, history: list[dict[str, Any]]) -> None:
    from napari_amseg.report.training import training_figure

    scheme = load_bundle(request.folder).card.scheme
    with OutputFiles(request.folder) as files:
        training_figure(
            history, files.path(TRAINING_FIGURE), scheme=scheme, title=request.folder.name
        )
