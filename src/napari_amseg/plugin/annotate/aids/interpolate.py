"""A class in the frames between two in which somebody drew it."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
from qtpy.QtWidgets import QCheckBox

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.interpolate import interpolate_frames
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.inputs import FrameRange
from napari_amseg.plugin.annotate.aids.key_frames import KeyFrames
from napari_amseg.plugin.annotate.aids.run import AidRun, Proposal, class_proposal
from napari_amseg.plugin.annotate.session import Session


class InterpolateAid(Aid):
    """Interpolates the chosen class between the key frames around the shown one.

    In between, pixels of the class that are neither confirmed nor in the new shape become
    unlabelled: nobody knows what they are.
    """

    title = "Interpolate between frames"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self._keys: KeyFrames | None = None
        self._session: Session | None = None
        self._edited = False
        self.between = FrameRange("Key frame before.", "Key frame after.")
        self.between.setToolTip(
            "Found by themselves: the nearest frames in which the class was drawn by a person."
        )
        self.motion = QCheckBox("shapes move")
        self.motion.setChecked(True)
        self.motion.setToolTip(
            "Each part moves along the way from its place in one frame to that in the other;\n"
            "otherwise only its edge does."
        )
        self.start_button = desk.button(
            "Interpolate",
            "Draw the chosen class in all frames between the two.",
            self.interpolate,
            self._why_not,
        )
        self.form.add("between", self.between)
        self.form.add("", self.motion)
        self.add_row(self.start_button)
        self.between.changed.connect(self._on_edit)
        desk.class_changed.connect(self.find_keys)

    def set_session(self, session: Session | None) -> None:
        """Look for key frames of another stack."""
        self.stop()
        self._session = session
        self._keys = None if session is None else KeyFrames(session.annotation)
        self.between.set_stack(1 if session is None else session.n_frames)
        if session is not None:
            session.changed.connect(self._on_changed)
            session.frame_shown.connect(self._on_frame)
        self.find_keys()

    def stop(self) -> None:
        """Let go of the session."""
        if self._session is not None:
            self._session.changed.disconnect(self._on_changed)
            self._session.frame_shown.disconnect(self._on_frame)
        self._session = None

    def setVisible(self, visible: bool) -> None:  # noqa: N802 (Qt's name)
        """Unfolded or folded: key frames are looked for only where they are seen."""
        super().setVisible(visible)
        self.find_keys()

    def find_keys(self) -> None:
        """Fill in the key frames around the shown one."""
        self._edited = False
        if self._session is None or self._keys is None or self.isHidden():
            return
        before, after = self._keys.around(self._session.frame, self.desk.code)
        here = self._session.frame
        self.between.blockSignals(True)
        self.between.show_range(
            here if before is None else before, here if after is None else after
        )
        self.between.blockSignals(False)
        self.desk.refresh()

    def interpolate(self) -> None:
        """Draw the chosen class in the frames between the key frames."""
        annotation, code = self.session.annotation, self.desk.code
        first, *frames, last = self.between.frames()
        motion = self.motion.isChecked()

        def steps(run: AidRun) -> Generator[Proposal]:
            run.phase = "comparing the two frames"
            before, after = (np.asarray(annotation.labels[t] == code) for t in (first, last))
            for k, shape in interpolate_frames(before, after, len(frames), motion=motion):
                yield class_proposal(first + k, annotation.labels[first + k], code, shape)

        title = f"{self.desk.class_name} between frames {first} and {last}"
        self.desk.start(title, frames, steps, status=Status.SUGGESTED)

    def _why_not(self) -> str:
        if self._keys is None or self._session is None:
            return ""
        frames, code, name = self.between.frames(), self.desk.code, self.desk.class_name
        if len(frames) < 2 and not self._edited:
            return f"Paint {name} in a frame before and in one after this."
        if len(frames) < 3:
            return "No frame lies between the two."
        there = [
            (self._session.annotation.labels[t] == code).any() for t in (frames[0], frames[-1])
        ]
        return "" if any(there) else f"Neither of the two frames has {name}."

    def _on_edit(self) -> None:
        self._edited = True
        self.desk.refresh()

    def _on_changed(self, frames: frozenset[int]) -> None:
        if self._keys is not None:
            self._keys.forget(frames)
        if not self._edited:
            self.find_keys()

    def _on_frame(self, frame: int) -> None:
        if not self._edited or frame not in self.between.frames():
            self.find_keys()
