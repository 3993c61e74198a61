"""A classifier that learns from what is confirmed in this stack and labels the rest."""

from __future__ import annotations

from collections.abc import Generator

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.classifier import ClassifierSettings
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.run import AidRun, Proposal
from napari_amseg.plugin.annotate.aids.scribbles import Scribbles
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.forms import SettingsForm
from napari_amseg.words import counted

_OPTIONS = ("clean_up", "smallest_pore_px", "smooth_px")


class ClassifyAid(Aid):
    """Learns what the classes look like from scribbles and complete frames; labels others."""

    title = "Classify from scribbles"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self._scribbles: Scribbles | None = None
        self.settings = SettingsForm(ClassifierSettings, names=_OPTIONS)
        self.settings.add_rows_to(self.form)
        self.one_button = desk.button(
            "This frame",
            "Learn from all that is painted by hand or complete in this stack,\n"
            "and label what is not confirmed in this frame.",
            self.classify_shown,
        )
        self.many_button = desk.button(
            "Frames {}", "The same in all these frames, in the background.", self.classify_many
        )
        self.add_row(self.one_button, self.many_button)

    def set_session(self, session: Session | None) -> None:
        """Learn from another stack."""
        self._scribbles = None
        if session is not None:
            self._scribbles = Scribbles(session.annotation, session.stack)

    def classify_shown(self) -> None:
        """Label the shown frame."""
        self._classify(*self.desk.one())

    def classify_many(self) -> None:
        """Label the chosen frames."""
        self._classify(*self.desk.many())

    def _classify(self, frames: list[int], status: Status) -> None:
        scribbles, stack, settings = self._scribbles, self.session.stack, self.settings.value()
        assert scribbles is not None

        def steps(run: AidRun) -> Generator[Proposal]:
            def looking_at(i: int, n: int) -> None:
                run.check()
                run.phase = f"learning from frame {i + 1} of {n}" if i < n else "growing the trees"

            run.phase = "looking for scribbles"
            classifier = scribbles.classifier(settings, looking_at)
            run.phase = "" if len(frames) > 1 else "labelling the frame"
            run.title = f"classified after {counted(scribbles.n_frames, 'labelled frame')}"
            if missing := scribbles.missing():
                run.remarks.append(f"no scribbles of {', '.join(missing)}")
            for frame, codes in classifier.predict_frames(stack, frames):
                yield Proposal(frame, codes)

        self.desk.start("classified", frames, steps, status=status)
