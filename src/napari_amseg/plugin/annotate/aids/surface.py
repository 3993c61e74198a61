"""Everything above the surface is gas or powder, everything below is substrate."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from qtpy.QtWidgets import QCheckBox

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.surface_line import SurfaceLine, fill_sides
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.inputs import ClassChoice
from napari_amseg.plugin.annotate.aids.run import AidRun, Left, Proposal
from napari_amseg.plugin.annotate.aids.surface_found import found_surface
from napari_amseg.plugin.annotate.aids.surface_shape import SurfaceShape
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.tasks import explain, run_in_thread
from napari_amseg.plugin.theme import palette

_NO_SURFACE = "no straight surface stands out"


class SurfaceAid(Aid):
    """Finds the surface or lets it be drawn, and fills what is unlabelled on its two sides."""

    title = "Fill above and below the surface"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self._shape: SurfaceShape | None = None
        self.find_button = desk.button(
            "Find", "Find the surface in this frame; its ends can then be dragged.", self.find_line
        )
        self.draw_button = desk.button(
            "Draw",
            "Draw the surface: press where it begins, drag, let go where it ends.",
            self.draw,
        )
        self.remove_button = desk.button(
            "Remove",
            "Take the line away.",
            self.remove,
            lambda: "" if self.line else "There is no line.",
        )
        self.above = ClassChoice(nothing="leave as it is")
        self.above.setToolTip("What is unlabelled above the line becomes this.")
        self.below = ClassChoice(nothing="leave as it is")
        self.below.setToolTip("What is unlabelled below the line becomes this.")
        self.anew = QCheckBox("find it anew in each frame")
        self.anew.setChecked(True)
        self.anew.setToolTip("Else the line that is shown counts for all frames.")
        self.anew.toggled.connect(lambda _: desk.refresh())
        self.fill_button = desk.button(
            "Fill this frame",
            "Label all that is unlabelled here by its side of the line; the line is found if none "
            "is shown.",
            self.fill_shown,
        )
        self.fill_many_button = desk.button(
            "Frames {}", "The same in all these frames.", self.fill_many, self._why_not_many
        )
        self.add_row(self.find_button, self.draw_button, self.remove_button)
        self.form.add("above", self.above)
        self.form.add("below", self.below)
        self._layout.addWidget(self.anew)
        self.add_row(self.fill_button, self.fill_many_button)

    @property
    def line(self) -> SurfaceLine | None:
        """The line that is shown."""
        return None if self._shape is None else self._shape.line

    def set_session(self, session: Session | None) -> None:
        """Offer the classes of another session."""
        self.stop()
        if session is None:
            return
        self._shape = SurfaceShape(session, self._on_drawn)
        classes = session.scheme.classes
        self.above.offer(classes, palette(self.desk.viewer), role="background")
        self.below.offer(classes, palette(self.desk.viewer), role="substrate")

    def stop(self) -> None:
        """Take the line out of the viewer."""
        self.remove()
        self._shape = None

    def find_line(self) -> None:
        """Show the surface of the shown frame."""
        session, frame, shape = self.session, self.session.frame, self._shape

        def ended(line: Any, error: BaseException | None) -> None:
            if shape is not self._shape or shape is None:
                return
            if isinstance(error, ValueError):
                self.desk.say(str(error))
            elif error is not None:
                explain(error)
            else:
                shape.show(line)
                self._on_drawn()

        run_in_thread(lambda: found_surface(session, frame), ended)

    def draw(self) -> None:
        """Let the surface be drawn."""
        if self._shape is not None:
            self._shape.draw()
            self.desk.say("Drag from one end of the surface to the other.")

    def remove(self) -> None:
        """Take the line away."""
        if self._shape is not None:
            self._shape.remove()
        self.desk.refresh()

    def fill_shown(self) -> None:
        """Fill the shown frame on both sides of the line, or of the surface found in it."""
        frames, status = self.desk.one()
        self._fill(frames, status, self.line)

    def fill_many(self) -> None:
        """Fill the chosen frames, each by its own surface or all by the line."""
        frames, status = self.desk.many()
        self._fill(frames, status, None if self.anew.isChecked() else self.line)

    def _fill(self, frames: list[int], status: Status, line: SurfaceLine | None) -> None:
        session, above, below = self.session, self.above.code(), self.below.code()

        def steps(run: AidRun) -> Generator[Proposal | Left]:
            for frame in frames:
                labels = session.annotation.labels[frame]
                try:
                    surface = line or found_surface(session, frame)
                except ValueError:
                    yield Left(frame, f"{_NO_SURFACE}, draw it")
                    continue
                yield Proposal(
                    frame, fill_sides(labels, surface, above=above or None, below=below or None)
                )

        names = [box.currentText() for box in (self.above, self.below) if box.code()]
        if self.desk.start(f"{' and '.join(names)} filled", frames, steps, status=status):
            self.remove()

    def _why_not_many(self) -> str:
        needs = not self.anew.isChecked() and self.line is None
        return "Find or draw the line first." if needs else ""

    def _on_drawn(self) -> None:
        self.desk.say("Drag the ends of the line where they are not on the surface; then fill.")
        self.desk.refresh()
