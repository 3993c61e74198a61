"""The labelling guide in a window of its own, to be open beside the frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from qtpy.QtCore import Qt, QUrl
from qtpy.QtGui import QImage
from qtpy.QtWidgets import QDialog, QTextBrowser, QVBoxLayout, QWidget

GUIDE = Path(__file__).parents[1] / "guide" / "labelling.md"
_SIZE_PX = (760, 800)
_MARGIN_PX = 40


class GuideDialog(QDialog):
    """Shows the guide.

    Raises
    ------
    OSError
        If the guide cannot be read.
    """

    def __init__(self, parent: QWidget | None = None, guide: Path = GUIDE) -> None:
        super().__init__(parent)
        self.setWindowTitle("Labelling guide")
        self.setModal(False)
        self.text = _Browser()
        self.text.setSearchPaths([str(guide.parent)])
        self.text.setOpenExternalLinks(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self.resize(*_SIZE_PX)
        self.text.setMarkdown(guide.read_text(encoding="utf-8"))


class _Browser(QTextBrowser):
    """Pictures no wider than the window, which Qt leaves as they are."""

    def loadResource(self, kind: int, name: QUrl) -> Any:  # noqa: N802 (Qt's name)
        found = super().loadResource(kind, name)
        widest = _SIZE_PX[0] - _MARGIN_PX
        image = found if isinstance(found, QImage) else QImage()
        if isinstance(found, (bytes, bytearray)) or hasattr(found, "data"):
            image.loadFromData(found)
        if image.isNull() or image.width() <= widest:
            return found
        return image.scaledToWidth(widest, Qt.TransformationMode.SmoothTransformation)
