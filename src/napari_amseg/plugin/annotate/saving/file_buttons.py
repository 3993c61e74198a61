"""Buttons that open the dialogs for files: earlier versions, import, export, comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QDialog, QGridLayout, QPushButton, QWidget

from napari_amseg.plugin.annotate.keeper import Keeper
from napari_amseg.plugin.annotate.saving.backups_dialog import BackupsDialog
from napari_amseg.plugin.annotate.saving.compare_dialog import CompareDialog
from napari_amseg.plugin.annotate.saving.dialog import SessionDialog
from napari_amseg.plugin.annotate.saving.export import ExportButton
from napari_amseg.plugin.annotate.saving.import_dialog import ImportDialog
from napari_amseg.plugin.annotate.session import Session

if TYPE_CHECKING:
    import napari


class FileButtons(QWidget):
    """Opens one dialog at a time.

    Attributes
    ----------
    dialog : the one that is open.

    """

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self._viewer = viewer
        self._session: Session | None = None
        self._keeper: Keeper | None = None
        self.dialog: QDialog | None = None
        self.export_button = ExportButton()
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setSpacing(4)
        for i, (words, tip, action) in enumerate(
            (
                ("Earlier versions…", "Versions of the shown frame that were replaced in the "
                 "benchmark.", self.open_backups),
                ("Compare…", "How well this annotation agrees with another of the same frames.",
                 self.open_compare),
                ("Import labels…", "Label images from elsewhere: Fiji, labelme, indexed PNG.",
                 self.open_import),
            )
        ):  # fmt: skip
            button = QPushButton(words)
            button.setToolTip(tip)
            button.clicked.connect(lambda _=False, action=action: action())
            grid.addWidget(button, i // 2, i % 2)
        grid.addWidget(self.export_button, 1, 1)
        self.set_session(None, None)

    def set_session(self, session: Session | None, keeper: Keeper | None) -> None:
        """Serve another session, or none."""
        self.close_dialog()
        self._session, self._keeper = session, keeper
        self.export_button.set_session(session)
        self.setEnabled(session is not None)

    def open_backups(self) -> None:
        """Show earlier versions of the shown frame."""
        self._open(BackupsDialog)

    def open_import(self) -> None:
        """Show the dialog for label images from elsewhere."""
        self._open(ImportDialog)

    def open_compare(self) -> None:
        """Show the dialog that compares this annotation with another."""
        self._open(CompareDialog)

    def open(self, dialog: QDialog) -> None:
        """Show a dialog in the place of the one that is open."""
        self.close_dialog()
        self.dialog = dialog
        dialog.finished.connect(lambda _: self._on_closed(dialog))
        dialog.show()

    def close_dialog(self) -> None:
        """Close what is open."""
        if self.dialog is not None:
            self.dialog.close()

    def stop(self) -> None:
        """The widget closes."""
        self.close_dialog()
        self.export_button.stop()

    def _open(self, kind: type[SessionDialog]) -> None:
        if self._session is not None and self._keeper is not None:
            self.open(kind(self, self._viewer, self._session, self._keeper))

    def _on_closed(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None
