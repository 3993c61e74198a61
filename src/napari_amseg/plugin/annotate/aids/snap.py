"""A rough stroke becomes the keyhole or pore that it was painted on."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtWidgets import QCheckBox

from napari_amseg.annotate.annotation import Status
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.snapping import Stroke, snapped_change, snapped_region
from napari_amseg.plugin.annotate.aids.surface_found import labelled_surface
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.tasks import Latest, explain
from napari_amseg.words import counted

_CAVITIES = ("keyhole", "pore")


class SnapAid(Aid):
    """Lets the last stroke, or every stroke of keyhole and pore, grow to its edge."""

    title = "Snap to the edge"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self._session: Session | None = None
        self._region = Latest(self._on_region, failed=self._on_failed)
        self.always = QCheckBox("snap every stroke of keyhole and pore")
        self.always.setToolTip(
            "As soon as a brush stroke of these classes ends. Undo gives the raw stroke back."
        )
        self.snap_button = desk.button(
            "Snap last stroke",
            "Let what was painted last grow or shrink to the edge of the object it is on.",
            self.snap,
            lambda: "" if self.session.last_stroke() else "Paint a stroke on the object first.",
        )
        self._layout.addWidget(self.always)
        self.add_row(self.snap_button)

    def set_session(self, session: Session | None) -> None:
        """Follow the strokes of another session."""
        self._let_go()
        self._session = session
        if session is not None:
            session.stroke_ended.connect(self._on_stroke)

    def stop(self) -> None:
        """Follow no strokes any more."""
        self._let_go()
        self._region.stop()

    def _let_go(self) -> None:
        self._region.drop()
        if self._session is not None:
            self._session.stroke_ended.disconnect(self._on_stroke)
        self._session = None

    @property
    def busy(self) -> bool:
        """Whether an edge is being looked for."""
        return self._region.busy

    def _stroke(self) -> Stroke | None:
        session = self._session
        change = None if session is None else session.last_stroke()
        return None if change is None else Stroke.of(change, session.annotation)

    def snap(self) -> None:
        """Let the last stroke grow or shrink to the edge of its object."""
        session, stroke = self._session, self._stroke()
        if session is None or stroke is None:
            self.desk.say("The last stroke only took labels away: paint one on the object.")
            return
        complete = session.annotation.status(stroke.frame) == Status.COMPLETE
        if complete and not self.desk.overwrite.isChecked():
            self.desk.say(f"Frame {stroke.frame} is complete, its pixels are confirmed.")
            return

        def task() -> tuple[Session, Stroke, Any]:
            line = labelled_surface(session, stroke.frame)
            image = session.image_frame(stroke.frame)
            return session, stroke, snapped_region(image, stroke, session.scheme, line)

        self._region.submit(task)

    def _on_stroke(self, frame: int) -> None:
        self.desk.refresh()
        if not self.always.isChecked() or self._session is None:
            return
        stroke = self._stroke()
        codes = [self._session.scheme.code_of(role) for role in _CAVITIES]
        if stroke is not None and stroke.code in codes and self._session.layer.mode == "paint":
            self.snap()

    def _on_region(self, result: tuple[Session, Stroke, Any]) -> None:
        session, stroke, region = result
        session.when_no_stroke(lambda: self._apply(session, stroke, region))

    def _apply(self, session: Session, stroke: Stroke, region: Any) -> None:
        if session is not self._session:
            return
        overwrite = self.desk.overwrite.isChecked()
        found = snapped_change(session.annotation, stroke, region, overwrite=overwrite)
        name = next(c.name for c in session.scheme.classes if c.code == stroke.code)
        if found is None:
            self.desk.say(f"Stroke of {name} left: it is up to the edge already, or undone.")
            return
        change, kept = found
        session.apply([change])
        said = f"{name} snapped: {counted(int(stroke.mask.sum()), 'pixel')} painted"
        said += f", {counted(int(np.count_nonzero(region)) - kept, 'pixel')} up to the edge"
        said += f"; {counted(kept, 'confirmed pixel')} kept" if kept else ""
        self.desk.say(f"{said[0].upper()}{said[1:]}. Undo gives the stroke back.")

    def _on_failed(self, error: BaseException) -> None:
        if isinstance(error, ValueError):
            self.desk.say(f"Stroke left as it is: {error}")
        else:
            explain(error)
