"""Label images from elsewhere: what is in them, and the changes they make to an annotation."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from napari_amseg.annotate.annotation import Annotation, Status
from napari_amseg.annotate.change import Change
from napari_amseg.io.label_files import LabelImages
from napari_amseg.io.label_images import (
    found_values,
    in_our_codes,
    onto_frames,
    open_label_images,
)
from napari_amseg.io.label_mapping import LabelMapping
from napari_amseg.plugin.annotate.saving.replacing import changes_by_hand


@dataclass(frozen=True, slots=True)
class Found:
    """Label images so far as they were looked at. n_pixels : pixels with each value, by its text.

    done : frames looked at.
    """

    images: LabelImages
    n_pixels: Mapping[str, int]
    done: int


def look_at(path: Path) -> Generator[Found]:
    """Open label images and count their values, frame by frame.

    Raises as :func:`.open_label_images` and when a file cannot be read.
    """
    images = open_label_images(path)
    counts: dict[str, int] = {}
    yield Found(images, {}, 0)
    for t in range(len(images.stack)):
        for value, n in found_values(images, [t]).items():
            counts[value] = counts.get(value, 0) + n
        yield Found(images, counts.copy(), t + 1)


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """Label images for an annotation. classes : of each value, by name.

    first : frame of the annotation that the first image belongs to. overwrite : also replace what
    a person confirmed. complete : every pixel is as it should be, also those without a label.
    """

    images: LabelImages
    classes: Mapping[str, str]
    first: int
    overwrite: bool
    complete: bool = False

    @property
    def frames(self) -> range:
        """Frames of the annotation."""
        return range(self.first, self.first + len(self.images.stack))

    def changes(self, annotation: Annotation) -> Generator[list[Change]]:
        """The changes of each frame, in order; nothing is applied.

        What is imported is a person's work: aids leave it.

        Raises
        ------
        ValueError
            If sizes or numbers of frames do not fit, or a value has no class.
        """
        mapping = LabelMapping.of(self.classes, annotation.scheme)
        codes = in_our_codes(self.images, mapping)
        placed = onto_frames(codes, self.frames, annotation.labels.shape)
        everywhere = np.ones(annotation.labels.shape[1:], bool) if self.complete else None
        status = Status.COMPLETE if self.complete else None
        for t in self.frames:
            yield changes_by_hand(
                annotation,
                t,
                placed.read(t),
                where=everywhere,
                overwrite=self.overwrite,
                status=status,
            )
