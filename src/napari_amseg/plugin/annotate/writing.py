"""Shows that work is being written, where it takes long enough to be noticed."""

from __future__ import annotations

from types import TracebackType

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QProgressDialog, QWidget

_SHOW_AFTER_MS = 1000


class Writing:
    """Told how many frames are left, it draws that; nothing else can be clicked meanwhile."""

    def __init__(
        self,
        parent: QWidget | None,
        title: str = "Annotation",
        text: str = "Keeping the work on this computer…",
    ) -> None:
        self._parent, self._title, self._text = parent, title, text
        self._most = 0
        self._dialog: QProgressDialog | None = None

    def __enter__(self) -> Writing:
        return self

    def __call__(self, left: int) -> None:
        """Draw it."""
        self._most = max(self._most, left)
        if self._dialog is None:
            self._dialog = self._made()
        self._dialog.setMaximum(self._most + 1)  # it would hide when it is full
        self._dialog.setValue(self._most - left)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._dialog is not None:
            self._dialog.close()
            self._dialog.deleteLater()

    def _made(self) -> QProgressDialog:
        dialog = QProgressDialog(self._parent)
        dialog.setWindowTitle(self._title)
        dialog.setLabelText(self._text)
        dialog.setCancelButton(None)
        dialog.setWindowModality(Qt.WindowModality.ApplicationModal)
        dialog.setMinimumDuration(_SHOW_AFTER_MS)
        return dialog
