"""Earlier versions of the shown frame: looked at over the image, and taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QListWidget, QPushButton, QVBoxLayout

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.backups import Backup, list_backups
from napari_amseg.plugin.annotate.saving.dialog import SessionDialog
from napari_amseg.plugin.annotate.saving.replacing import replace_labels
from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.layers import KEY, Preview, place_on, scheme_display
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.types import Frame

if TYPE_CHECKING:
    from napari.layers import Labels


class BackupsDialog(SessionDialog):
    """Lists what was replaced in the benchmark; what is selected shows in the place of the labels.

    Follows the viewer from frame to frame.
    """

    title, size_px = "Earlier versions", (360, 280)

    def __init__(self, *about: Any) -> None:
        super().__init__(*about)
        self._backups: tuple[Backup, ...] = ()
        self._labels: Frame | None = None
        self._preview: Labels | None = None
        self._finder = Latest(self._on_found)
        self._reader = Latest(self._on_read)
        self.heading, self.list = Note(), QListWidget()
        self.take_button = QPushButton("Take this version")
        layout = QVBoxLayout(self)
        layout.addWidget(self.heading)
        layout.addWidget(self.list, 1)
        layout.addLayout(self._buttons(self.take_button))
        self.list.currentRowChanged.connect(self._on_row)
        self.take_button.clicked.connect(self.take)
        self.finished.connect(self._stop)
        self._session.frame_shown.connect(self.look)
        self.look()

    @property
    def busy(self) -> bool:
        """Whether files are being read."""
        return self._finder.busy or self._reader.busy

    def look(self, frame: int | None = None) -> None:
        """List the versions of the shown frame."""
        self._show(None)
        self.list.clear()
        folder, name = self._keeper.benchmark, self._keeper.experiment.experiment
        t = self._session.frame
        if folder is None or name is None:
            self.heading.setText("Nothing was saved to a benchmark yet.")
            return
        frame_name = self._keeper.frame_name(t)
        self._finder.submit(lambda: (t, list_backups(folder, name, frame_name)))

    def take(self) -> None:
        """Replace the labels of the shown frame by the selected version, as one step."""
        labels, t = self._labels, self._session.frame
        if labels is None:
            return
        self._show(None)
        try:
            # nobody has said that older labels are complete
            changed = replace_labels(self._session, {t: (labels, Status.IN_PROGRESS)})
        except ValueError as error:
            explain(error)
            return
        self.list.setCurrentRow(-1)
        told = "is back; undo takes it away again." if changed else "is what there is already."
        self.heading.setText(f"Frame {t}: this version {told}")

    def _on_found(self, found: tuple[int, tuple[Backup, ...]]) -> None:
        t, self._backups = found
        if t != self._session.frame:
            return
        n = len(self._backups)
        told = "no earlier version" if not n else "1 earlier version" if n == 1 else (
            f"{n} earlier versions"
        )  # fmt: skip
        self.heading.setText(f"Frame {t}: {told}")
        self.list.clear()
        for backup in self._backups:
            self.list.addItem(f"until {backup.replaced.astimezone():%Y-%m-%d %H:%M:%S}")

    def _on_row(self, row: int) -> None:
        if not 0 <= row < len(self._backups):
            self._show(None)
            return
        backup, t = self._backups[row], self._session.frame
        self._reader.submit(lambda: (row, t, backup.labels()))

    def _on_read(self, read: tuple[int, int, Frame]) -> None:
        row, t, labels = read
        if row == self.list.currentRow() and t == self._session.frame:
            self._show(labels)

    def _show(self, labels: Frame | None) -> None:
        """Show labels (Y, X) in the place of the annotation, or the annotation again."""
        if self._preview is not None and self._preview in self._viewer.layers:
            self._viewer.layers.remove(self._preview)
        self._preview, self._labels = None, labels
        self._session.layer.visible = labels is None
        self.take_button.setEnabled(labels is not None)
        self.take_button.setToolTip(
            "Choose a version first."
            if labels is None
            else "Replace the labels of this frame; can be undone."
        )
        if labels is not None:
            self._preview = self._preview_layer(labels)
            selected = set(self._viewer.layers.selection)
            self._viewer.add_layer(self._preview)
            self._viewer.layers.selection = selected

    def _preview_layer(self, labels: Frame) -> Labels:
        from napari.layers import Labels

        annotation = self._session.layer
        place: dict[str, Any] = {k: v[-2:] for k, v in place_on(annotation).items()}
        return Labels(
            labels,
            name="earlier version",
            metadata={KEY: Preview()},
            opacity=annotation.opacity,
            **scheme_display(self._session.scheme),
            **place,
        )

    def _stop(self) -> None:
        self._finder.stop()
        self._reader.stop()
        self._session.frame_shown.disconnect(self.look)
        self._show(None)
