"""Specks, holes, rough edges and stray parts of a class."""

from __future__ import annotations

from collections.abc import Callable, Generator

import numpy as np
from qtpy.QtWidgets import QSpinBox

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.clean import fill_holes, keep_largest, remove_specks, smooth_class
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.run import AidRun, Codes, Mask, Proposal
from napari_amseg.plugin.fields import DropDown
from napari_amseg.plugin.number_field import NumberField

_SPECKS, _HOLES, _SMOOTH, _LARGEST = (
    "remove specks",
    "fill holes",
    "smooth the edge",
    "keep the largest part",
)
_TIP = (
    "remove specks: smaller parts go to the class around them.\n"
    "fill holes: unlabelled ones; of keyhole and pore whatever is in them.\n"
    "smooth the edge: without moving it.\n"
    "keep the largest part: the others go to the class around them."
)
_CAVITIES = ("keyhole", "pore")


class CleanAid(Aid):
    """Cleans the chosen class in the shown frame or in many.

    Parts in which somebody painted stay.
    """

    title = "Clean a class"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self.what = DropDown()
        self.what.addItems([_SPECKS, _HOLES, _SMOOTH, _LARGEST])
        self.what.setToolTip(_TIP)
        self.area_px, self.radius_px = QSpinBox(), NumberField()
        self.area_px.setRange(1, 10**6)
        self.area_px.setValue(20)
        self.area_px.setSuffix(" px")
        self.area_px.setToolTip("Smaller parts go.")
        self.radius_px.setRange(0.5, 20)
        self.radius_px.setSingleStep(0.5)
        self.radius_px.setDecimals(1)
        self.radius_px.setValue(1.5)
        self.radius_px.setSuffix(" px")
        self.radius_px.setToolTip("What is narrower than about twice this may go.")
        self.one_button = desk.button(
            "This frame", "Clean the chosen class in this frame.", self.clean_shown
        )
        self.many_button = desk.button(
            "Frames {}",
            "Clean it in all these frames that are not complete.",
            self.clean_many,
        )
        self.form.add("clean", self.what)
        self.form.add("below", self.area_px)
        self.form.add("radius", self.radius_px)
        self.add_row(self.one_button, self.many_button)
        self.what.currentTextChanged.connect(self._on_what)
        self._on_what(self.what.currentText())

    def clean_shown(self) -> None:
        """Clean the shown frame."""
        self._clean(*self.desk.one())

    def clean_many(self) -> None:
        """Clean the chosen frames that are not complete."""
        self._clean(*self.desk.many())

    def _on_what(self, what: str) -> None:
        self.form.setRowVisible(self.area_px, what == _SPECKS)
        self.form.setRowVisible(self.radius_px, what == _SMOOTH)

    def _clean(self, frames: list[int], status: Status) -> None:
        annotation, clean = self.session.annotation, self._cleaning()

        def steps(run: AidRun) -> Generator[Proposal]:
            for frame in frames:
                labels = np.asarray(annotation.labels[frame])
                cleaned = clean(labels, run.protected(frame))
                yield Proposal(frame, cleaned, cleaned != labels)

        title = f"{self.desk.class_name}, {self.what.currentText()}"
        self.desk.start(title, frames, steps, status=status)

    def _cleaning(self) -> Callable[[Codes, Mask], Codes]:
        """What the form says, as a function of labels and the pixels that stay."""
        code, what = self.desk.code, self.what.currentText()
        area_px, radius_px = self.area_px.value(), self.radius_px.value()
        roles = {c.code: c.role for c in self.session.scheme.classes}
        over = None if roles[code] in _CAVITIES else (0,)

        def clean(labels: Codes, protected: Mask) -> Codes:
            if what == _SPECKS:
                return remove_specks(labels, code, min_area_px=area_px, protected=protected)
            if what == _HOLES:
                return fill_holes(labels, code, over=over, protected=protected)
            if what == _SMOOTH:
                return smooth_class(labels, code, radius_px=radius_px, protected=protected)
            return keep_largest(labels, code, protected=protected)

        return clean
