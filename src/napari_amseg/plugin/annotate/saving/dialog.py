"""What the dialogs around files have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QDialog, QHBoxLayout, QPushButton, QTableWidget, QWidget

from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.session import Session

if TYPE_CHECKING:
    import napari


class SessionDialog(QDialog):
    """A dialog about what is annotated; it is gone when it is closed.

    Attributes
    ----------
    title : of its window. size_px : width and height to begin with.
    """

    title: ClassVar[str]
    size_px: ClassVar[tuple[int, int]]

    def __init__(
        self,
        parent: QWidget,
        viewer: napari.components.ViewerModel,
        session: Session,
        keeper: Keeper,
    ) -> None:
        super().__init__(parent)
        self._viewer, self._session, self._keeper = viewer, session, keeper
        self.setWindowTitle(self.title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*self.size_px)

    def _buttons(self, action: QPushButton) -> QHBoxLayout:
        """The button of what it does, beside one that closes it."""
        close_button = QPushButton("Close")
        close_button.setToolTip("Close this window; what was done stays.")
        close_button.clicked.connect(self.close)
        row = QHBoxLayout()
        row.addWidget(action, 1)
        row.addWidget(close_button, 1)
        return row


def table_to_read(*columns: str) -> QTableWidget:
    """An empty table that is read, neither edited nor selected in."""
    table = QTableWidget(0, len(columns))
    table.setHorizontalHeaderLabels(columns)
    table.verticalHeader().setVisible(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionMode(QTableWidget.SelectionMode.NoSelection)
    return table
