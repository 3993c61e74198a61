"""Labels from another layer of the viewer, such as a result of *Segment*."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.annotate.annotation import Status
from napari_amseg.dataset.codes import code_counts, unknown_codes
from napari_amseg.labels import LabelScheme
from napari_amseg.plugin.annotate.aids.aid import Aid
from napari_amseg.plugin.annotate.aids.desk import AidDesk
from napari_amseg.plugin.annotate.aids.run import AidRun, Proposal
from napari_amseg.plugin.annotate.model.suggest import recoding
from napari_amseg.plugin.annotate.session import Session
from napari_amseg.plugin.choice import LayerChoice
from napari_amseg.plugin.layers import KEY, Preview, is_labels, label_source
from napari_amseg.types import Stack, stack_from_array

if TYPE_CHECKING:
    from napari.layers import Layer


class LayerAid(Aid):
    """Takes labels over from a layer with frames of the same number and size."""

    title = "Take from another layer"

    def __init__(self, desk: AidDesk) -> None:
        super().__init__(desk)
        self.layer = LayerChoice(desk.viewer, self._fits, nothing="no labels layer fits")
        self.layer.setToolTip("Labels of the same frames, for example from Segment.")
        self.layer.layer_changed.connect(desk.refresh)
        self.one_button = desk.button(
            "This frame", "Take its labels for this frame.", self.take_shown, self._why_not
        )
        self.many_button = desk.button(
            "Frames {}", "Take its labels for all these frames.", self.take_many, self._why_not
        )
        self.form.add("layer", self.layer)
        self.add_row(self.one_button, self.many_button)

    def set_session(self, session: Session | None) -> None:
        """Other layers fit."""
        self.layer.refresh()

    def stop(self) -> None:
        """Look at the list of layers no more."""
        self.layer.stop()

    def take_shown(self) -> None:
        """Take the labels of the shown frame."""
        self._take(*self.desk.one())

    def take_many(self) -> None:
        """Take the labels of the chosen frames."""
        self._take(*self.desk.many())

    def _take(self, frames: list[int], status: Status) -> None:
        layer = self.layer.layer()
        if layer is None:
            return
        data, given = layer.data, label_source(layer).scheme
        stack = stack_from_array(data if data.ndim == 3 else np.asarray(data))
        try:
            codes = recoding(given, self.session.scheme)
        except ValueError as error:
            self.desk.say(f"Nothing taken from {layer.name}: {error}")
            return

        def steps(run: AidRun) -> Generator[Proposal]:
            for frame in frames:
                yield Proposal(frame, codes[readable_codes(stack, frame, given)])

        self.desk.start(f"labels taken from {layer.name}", frames, steps, status=status)

    def _why_not(self) -> str:
        return "" if self.layer.layer() is not None else "No labels layer has these frames."

    def _fits(self, layer: Layer) -> bool:
        session = self.desk.session
        if session is None or layer is session.layer or not is_labels(layer):
            return False
        shape = tuple(layer.data.shape)
        same = (shape if len(shape) == 3 else (1, *shape)) == session.annotation.labels.shape
        return same and not isinstance(layer.metadata.get(KEY), Preview)


def readable_codes(labels: Stack, frame: int, given: LabelScheme) -> NDArray[Any]:
    """A label image, (Y, X) of integers.

    Raises
    ------
    ValueError
        If a pixel has a code that `given` lacks.
    """
    image = labels.read(frame)
    if strange := unknown_codes(code_counts(image), given):
        raise ValueError(
            f"Frame {frame} of that layer holds {strange}: nothing was taken. Choose a layer of "
            "these classes, or import its file (Save > Import labels…) and say what each code is."
        )
    return image
