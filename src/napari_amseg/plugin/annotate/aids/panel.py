"""The aids of *Annotate*: what makes labelling fast, each one step of undo."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.classify import ClassifyAid
from napari_amseg.plugin.annotate.aids.clean import CleanAid
from napari_amseg.plugin.annotate.aids.copy import CopyAid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.interpolate import InterpolateAid
from napari_amseg.plugin.annotate.aids.layer import LayerAid
from napari_amseg.plugin.annotate.aids.snap import SnapAid
from napari_amseg.plugin.annotate.aids.surface import SurfaceAid
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.fold import Fold

if TYPE_CHECKING:
    import napari


class AidsPanel(QWidget):
    """One fold an aid, the class and the frames above, what came of it below."""

    def __init__(self, viewer: napari.components.ViewerModel) -> None:
        super().__init__()
        self.desk = AidDesk(viewer)
        self.copy, self.snap = CopyAid(self.desk), SnapAid(self.desk)
        self.interpolate, self.surface = InterpolateAid(self.desk), SurfaceAid(self.desk)
        self.classify, self.clean = ClassifyAid(self.desk), CleanAid(self.desk)
        self.layers = LayerAid(self.desk)
        self.aids: tuple[Aid, ...] = (
            self.copy,
            self.snap,
            self.interpolate,
            self.surface,
            self.classify,
            self.layers,
            self.clean,
        )
        self.folds = [Fold(aid.title, aid) for aid in self.aids]
        self._build()
        self.desk.refresh()

    def _build(self) -> None:
        page = QWidget()
        folds = QVBoxLayout(page)
        folds.setContentsMargins(0, 0, 0, 0)
        folds.setSpacing(2)
        for fold in self.folds:
            folds.addWidget(fold)
            fold.button.toggled.connect(lambda opened, fold=fold: self._on_fold(fold, opened))
        folds.addStretch(1)
        area = QScrollArea()
        area.setWidget(page)
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(6, 6, 6, 6)
        layout.addWidget(self.desk.inputs)
        layout.addWidget(area, 1)
        layout.addWidget(self.desk.outcome)

    def set_session(self, session: Session | None) -> None:
        """Help with another stack under annotation, or with none."""
        self.desk.set_session(session)
        for aid in self.aids:
            aid.set_session(session)
        self.desk.refresh()

    def stop(self) -> None:
        """Let go of the viewer; nothing goes on behind it."""
        for aid in self.aids:
            aid.stop()
        self.desk.stop()

    def _on_fold(self, fold: Fold, opened: bool) -> None:
        """One fold is open at a time: there is room for one."""
        for other in self.folds:
            if opened and other is not fold:
                other.button.setChecked(False)
