"""Something that is needed rarely, folded away under a title."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QHBoxLayout, QToolButton, QVBoxLayout, QWidget


class Fold(QWidget):
    """A title that shows and hides what is `inside`.

    beside : what stands in the row of the title and stays in view.
    """

    def __init__(self, title: str, inside: QWidget, *, beside: QWidget | None = None):
        super().__init__()
        self.button = QToolButton()
        self.button.setText(title)
        self.button.setCheckable(True)
        self.button.setAutoRaise(True)
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.button.toggled.connect(inside.setVisible)
        self.button.toggled.connect(self._point)
        inside.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(self.button)
        row.addStretch(1)
        if beside is not None:
            row.addWidget(beside, 1)
        layout.addLayout(row)
        layout.addWidget(inside)
        self._point(False)

    def _point(self, opened: bool) -> None:
        self.button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)
        self.button.setToolTip("Fold this away." if opened else "Show what is folded away here.")
