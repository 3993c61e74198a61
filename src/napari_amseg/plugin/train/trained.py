"""The models trained in this session: every choice of a model offers them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from psygnal import Signal


class TrainedModels:
    """Folders of the models trained so far, the latest last; `added` fires with a new one."""

    added = Signal(Path)

    def __init__(self) -> None:
        self.folders: list[Path] = []

    def add(self, folder: Path) -> None:
        """Take in a model, or one that was trained further."""
        self.folders = [*(f for f in self.folders if f != folder), folder]
        self.added.emit(folder)


@cache
def trained_models() -> TrainedModels:
    """Those of this session."""
    return TrainedModels()
