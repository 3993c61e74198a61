"""What a save does in its thread, and what it tells."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

from napari_amseg.annotate.annotation import Status
from napari_amseg.annotate.quality import frame_findings
from napari_amseg.annotate.save import Conflict, FrameToSave, Saved, SaveTarget, save_frames
from napari_amseg.types import Stack

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a frame that was given."""

    what: Saved | Conflict
    given: FrameToSave


@dataclass(frozen=True, slots=True)
class Remark:
    """Something worth showing: of a frame, by its name, or of the save."""

    words: str
    frame: str = ""


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """A click on *Save*. images : of the whole stack, as they are to be kept."""

    target: SaveTarget
    images: Stack
    frames: Sequence[FrameToSave]

    def run(self) -> Generator[Outcome | Remark]:
        """Save, and say what looks wrong in frames that are called complete; raises as
        :func:`.save_frames`.
        """
        given = {frame.t: frame for frame in self.frames}
        told: list[str] = []
        saving = save_frames(self.target, self.images, self.frames, tell=told.append)
        with closing(saving) as outcomes:  # type: ignore[type-var]
            for outcome in outcomes:
                yield Outcome(outcome, given[outcome.t])
                if isinstance(outcome, Saved):
                    yield from self._remarks(given[outcome.t])
        yield from (Remark(words) for words in told)

    def _remarks(self, frame: FrameToSave) -> Generator[Remark]:
        if frame.status != Status.COMPLETE:
            return
        for finding in frame_findings(frame.labels, self.target.scheme):
            # a note may be meant, but a complete frame has no pixel left to label
            if finding.severity == "warning" or finding.kind == "unlabelled":
                yield Remark(finding.message, frame.name)


def remarks_in_words(remarks: Sequence[Remark]) -> str:
    """The first few, and how many more there are."""
    frames = len({r.frame for r in remarks if r.frame})
    lines = [f"{r.frame}: {r.words}" if r.frame else r.words for r in remarks[:_MOST_NAMED]]
    if len(remarks) > _MOST_NAMED:
        lines.append(f"and {len(remarks) - _MOST_NAMED} more in {frames} frames")
    return "\n".join(lines)
