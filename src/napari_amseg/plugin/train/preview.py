"""A validation frame under its true labels beside the same under the network's prediction."""

from __future__ import annotations

from typing import Any

import pyqtgraph as pg
from qtpy.QtCore import QSize

from napari_amseg.plugin.theme import Palette
from napari_amseg.plugin.train.job import Picture

_LEAST_HEIGHT_PX = 180
_TITLE_PX = 18
_TITLES = ("truth", "prediction")


class PreviewPanes(pg.GraphicsLayoutWidget):
    """Two panes that zoom and move together; one above the other where that shows them larger."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.ci.layout.setSpacing(0)
        self.ci.layout.setContentsMargins(2, 2, 2, 2)
        self.setMinimumHeight(_LEAST_HEIGHT_PX)
        self.setToolTip("Drag and roll the wheel to zoom both; unlabelled pixels stay grey.")
        self._shape = (1, 1)
        self._stacked: bool | None = None
        self.images = tuple(pg.ImageItem(axisOrder="row-major") for _ in _TITLES)
        self._titles = [pg.LabelItem(justify="left") for _ in _TITLES]
        self._boxes = [pg.ViewBox(lockAspect=True, invertY=True, enableMenu=False) for _ in _TITLES]
        for box, image in zip(self._boxes, self.images, strict=True):
            box.addItem(image)
        self._boxes[1].setXLink(self._boxes[0])
        self._boxes[1].setYLink(self._boxes[0])
        self._texts = list(_TITLES)
        self.set_palette(palette)
        self._arrange()

    def sizeHint(self) -> QSize:  # noqa: N802 (Qt's name)
        """No more room than needed."""
        return self.minimumSize()

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self._color = palette.text
        self.setBackground(palette.background)
        self._write_titles()

    def show_truth(self, picture: Picture | None, name: str) -> None:
        """A new frame, uint8 (Y, X, 3); None, and why there is none in `name`."""
        for image in self.images:
            image.clear()
        self._texts = [f"truth: {name}", "prediction"] if picture is not None else [name, ""]
        if picture is not None:
            self._shape = (picture.shape[0], picture.shape[1])
            self.images[0].setImage(picture, autoLevels=False, levels=(0, 255))
            self._arrange()
            self._boxes[0].setRange(self.images[0].boundingRect(), padding=0)
        self._write_titles()

    def show_prediction(self, picture: Picture, epoch: int) -> None:
        """What the network makes of the frame after an epoch."""
        self.images[1].setImage(picture, autoLevels=False, levels=(0, 255))
        self._texts[1] = f"prediction, epoch {epoch}"
        self._write_titles()

    def _write_titles(self) -> None:
        for label, text in zip(self._titles, self._texts, strict=True):
            label.setText(text, color=self._color, size="9pt")

    def resizeEvent(self, event: Any) -> None:  # noqa: N802 (Qt's name)
        """Another size: perhaps another arrangement."""
        super().resizeEvent(event)
        if hasattr(self, "_boxes"):  # pyqtgraph resizes while it is being made
            self._arrange()

    def _arrange(self) -> None:
        rows, columns = self._shape
        width, height = max(1, self.width()), max(1, self.height())
        above = min(width / columns, (height / 2 - _TITLE_PX) / rows)
        beside = min(width / 2 / columns, (height - _TITLE_PX) / rows)
        stacked = above >= beside
        if stacked == self._stacked:
            return
        if self._stacked is not None:
            for item in (*self._titles, *self._boxes):
                self.removeItem(item)
        self._stacked = stacked
        for i, (label, box) in enumerate(zip(self._titles, self._boxes, strict=True)):
            row, column = (2 * i, 0) if stacked else (0, i)
            self.addItem(label, row=row, col=column)
            self.addItem(box, row=row + 1, col=column)
            self.ci.layout.setRowFixedHeight(row, _TITLE_PX)
