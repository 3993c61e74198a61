"""How far an aid is, and what came of it."""

from __future__ import annotations

from qtpy.QtWidgets import QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from napari_amseg.plugin.annotate.aids.run import AidRun
from napari_amseg.plugin.fields import Lines


class Outcome(QWidget):
    """A line of text; above it, while an aid runs, a progress bar and a button to cancel it."""

    def __init__(self) -> None:
        super().__init__()
        self.status, self.progress = Lines(least_lines=2), QProgressBar()
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setToolTip("Stop; frames that are done stay, as one step of undo.")
        self.running = QWidget()
        row = QHBoxLayout(self.running)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.progress, 1)
        row.addWidget(self.cancel_button)
        self.running.setVisible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.running)
        layout.addWidget(self.status)

    def show_progress(self, run: AidRun) -> None:
        """Show how far a run is; what it waits for as long as no frame is done."""
        waits = bool(run.phase) and not run.done
        self.progress.setRange(0, 0 if waits or run.n_frames < 2 else run.n_frames)
        self.progress.setValue(run.done)
        self.progress.setFormat(f"{run.done} of {run.n_frames} frames")
        self.status.setText(f"{capital(run.phase)}…" if waits else "")


def capital(text: str) -> str:
    """The text as a sentence begins."""
    return text[:1].upper() + text[1:]
