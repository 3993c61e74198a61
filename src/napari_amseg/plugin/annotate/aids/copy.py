"""Labels of another frame, to begin with."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from qtpy.QtWidgets import QCheckBox

from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.inputs import FrameSpin
from napari_amseg.plugin.annotate.aids.run import AidRun, Proposal, class_proposal
from napari_amseg.plugin.annotate.session import Session


class CopyAid(Aid):
    """Copies what is labelled in another frame, or one class of it, to the shown one."""

    title = "Copy labels"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self.only = QCheckBox("only the chosen class")
        self.only.setToolTip("Else all that is labelled there; what is not stays as it is here.")
        self.source = FrameSpin("The frame to copy from.")
        self.source.valueChanged.connect(lambda _: desk.refresh())
        self.previous_button = desk.button(
            "From previous",
            "Label this frame like the one before.",
            lambda: self.copy(self.session.frame - 1),
            lambda: self._why_not(-1),
        )
        self.next_button = desk.button(
            "From next",
            "Label this frame like the one after.",
            lambda: self.copy(self.session.frame + 1),
            lambda: self._why_not(1),
        )
        self.copy_button = desk.button(
            "From frame",
            "Label the shown frame like the one named beside.",
            lambda: self.copy(self.source.value()),
            lambda: "" if self.source.value() != self.session.frame else "It is the shown one.",
        )
        self.form.add("", self.only)
        self.add_row(self.previous_button, self.next_button)
        self.add_row(self.copy_button, self.source)

    def set_session(self, session: Session | None) -> None:
        """Offer the frames of another stack."""
        self.source.setRange(0, 0 if session is None else session.n_frames - 1)

    def copy(self, source: int) -> None:
        """Label the shown frame like another one."""
        annotation, (frames, status) = self.session.annotation, self.desk.one()
        code = self.desk.code if self.only.isChecked() else 0
        what = self.desk.class_name if code else "labels"

        def steps(run: AidRun) -> Generator[Proposal]:
            labels = np.asarray(annotation.labels[source]).copy()
            for frame in frames:
                here = annotation.labels[frame]
                yield (
                    class_proposal(frame, here, code, labels == code)
                    if code
                    else Proposal(frame, labels)
                )

        self.desk.start(f"{what} copied from frame {source}", frames, steps, status=status)

    def _why_not(self, by: int) -> str:
        there = 0 <= self.session.frame + by < self.session.n_frames
        return "" if there else f"There is no {'next' if by > 0 else 'previous'} frame."
