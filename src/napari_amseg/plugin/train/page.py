"""What the *Train* widget shows of a training: facts, curves, a validation frame."""

from __future__ import annotations

from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_amseg.plugin.fields import Note
from napari_amseg.plugin.theme import Palette
from napari_amseg.plugin.train.job import Began
from napari_amseg.plugin.train.plots import CurvePlots
from napari_amseg.plugin.train.preview import PreviewPanes
from napari_amseg.plugin.train.run import TrainProgress
from napari_amseg.words import counted

_NOTHING = "Nothing has been trained yet."


class ProgressPage(QWidget):
    """Facts above, learning curves, the truth of a validation frame beside its prediction."""

    def __init__(self, palette: Palette) -> None:
        super().__init__()
        self.about = Note(_NOTHING)
        self.plots, self.preview = CurvePlots(palette), PreviewPanes(palette)
        self._began: Began | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(4, 6, 4, 4)
        layout.addWidget(self.about)
        layout.addWidget(self.plots, 3)
        layout.addWidget(self.preview, 4)
        self._show_plots(False)

    def set_palette(self, palette: Palette) -> None:
        """Take on the colours of a theme."""
        self.plots.set_palette(palette)
        self.preview.set_palette(palette)

    def _show_plots(self, shown: bool) -> None:
        """Axes of a training that has not begun would mean nothing."""
        for part in (self.plots, self.preview):
            part.setVisible(shown)

    def clear(self) -> None:
        """Nothing of the training before."""
        self._show_plots(False)
        self._began = None
        self.about.setText("")
        self.plots.show_history((), None)
        self.preview.show_truth(None, "")

    def show_progress(self, progress: TrainProgress) -> None:
        """Draw what is new."""
        began, history = progress.began, progress.history
        if began is None:
            return
        if began is not self._began:
            self._began = began
            self._show_plots(True)
            self._show_start(began)
        self.plots.show_history(history, progress.best_epoch)
        if progress.prediction is not None:
            self.preview.show_prediction(progress.prediction, history[-1]["epoch"])

    def _show_start(self, began: Began) -> None:
        started = began.started
        rows, columns = started.shape
        steps = counted(started.steps, "step")
        lines = (
            f"{started.network}, {started.n_parameters:,} parameters",
            f"{started.device}, {started.precision}",
            f"{started.n_train} training and {started.n_validation} validation images; "
            f"{steps} of {rows} × {columns} px an epoch",
            *(note[0].upper() + note[1:] for note in began.notes),
        )
        self.about.setText("\n".join(lines))
        self.plots.begin(began.scheme, started.epochs, validated=started.n_validation > 0)
        name = str(started.preview_frame) if began.truth is not None else "no validation image"
        self.preview.show_truth(began.truth, name)
