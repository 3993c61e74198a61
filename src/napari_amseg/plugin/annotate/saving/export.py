"""Labels for other programs: a menu of formats, a folder, a thread."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from qtpy.QtWidgets import QFileDialog, QMenu, QMessageBox, QPushButton, QWidget

from napari_amseg.io.label_export import export_labels
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.files import safe_stem
from napari_amseg.plugin.results_place import results_start, results_went_to
from napari_amseg.plugin.tasks import Latest
from napari_amseg.types import Stack

_FORMATS = {"Indexed PNG, a file for each frame…": "png", "TIFF stack…": "tiff"}


def ask_replace(parent: QWidget, folder: Path) -> bool:
    """Ask whether files that are there may be replaced."""
    kind = QMessageBox.StandardButton
    words = f"{folder} has files of these names. Replace them?"
    pressed = QMessageBox.question(
        parent, "Export labels", words, kind.Yes | kind.Cancel, kind.Cancel
    )
    return bool(pressed == kind.Yes)


class ExportButton(QPushButton):
    """Writes the labels of all frames with a legend of the classes."""

    def __init__(self, *, ask: Callable[[QWidget, Path], bool] = ask_replace) -> None:
        super().__init__("Export…")
        self._ask = ask
        self._session: Session | None = None
        self._wanted: tuple[Path, str] | None = None
        self._writer = Latest(self._on_written)
        menu = QMenu(self)
        for words, file_format in _FORMATS.items():
            action = menu.addAction(words)
            assert action is not None
            action.triggered.connect(partial(self._on_format, file_format))
        self.setMenu(menu)
        self.setToolTip("Write label images for other programs, with a legend of the classes.")

    @property
    def busy(self) -> bool:
        """Whether files are being written."""
        return self._writer.busy

    def set_session(self, session: Session | None) -> None:
        """Export another session, or none."""
        self._session = session

    def stop(self) -> None:
        """The widget closes: nothing is delivered any more."""
        self._writer.stop()

    def export(self, folder: Path, file_format: str, *, overwrite: bool = False) -> None:
        """Write to a folder in a thread; files that are there are replaced after a question."""
        session = self._session
        if session is None:
            return
        labels, scheme = session.annotation.labels, session.scheme
        stack = Stack(
            labels.shape,
            np.dtype(np.uint8),
            lambda t: labels[t].copy(),  # may be painted on meanwhile
            experiment=session.source.experiment,
        )
        stem = f"{safe_stem(session.image.name)}_labels"

        def write() -> list[Path]:
            try:
                return export_labels(
                    stack, scheme, folder, stem=stem, file_format=file_format, overwrite=overwrite
                )
            except FileExistsError:
                if overwrite:
                    raise
                return []

        self._wanted = folder, file_format
        self._writer.submit(write)

    def _on_format(self, file_format: str, *_: object) -> None:
        folder = QFileDialog.getExistingDirectory(
            self, "Folder for the label images", results_start()
        )
        if folder:
            self.export(Path(folder), file_format)

    def _on_written(self, paths: list[Path]) -> None:
        from napari.utils.notifications import show_info

        if paths:
            results_went_to(paths[0].parent)
            show_info(f"Wrote {len(paths)} files to {paths[0].parent}")
        elif self._wanted is not None and self._ask(self, self._wanted[0]):
            self.export(*self._wanted, overwrite=True)
