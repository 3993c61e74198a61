"""Grad-CAM for segmentation networks, on TensorFlow, JAX and PyTorch.

For a segmentation network the score is the sum of a class's values before the softmax over a set
of pixels (Vinogradova et al., "Towards interpretable semantic segmentation via gradient-weighted
class activation mapping", AAAI 34 (2020)).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.explain.kernel import cam, enlarged
from napari_amseg.labels import LabelClass, LabelScheme
from napari_amseg.models import Bundle, architecture
from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class ExplainSettings(Settings):
    """What is explained: features of which layer, for the score of which pixels."""

    layer: str | None = setting(
        None, help="Layer whose features are weighed; the last decoder block if not given."
    )
    pixels: str = setting(
        "predicted",
        choices=("predicted", "all"),
        help="Pixels whose scores count: those predicted as the class (all if there are none), "
        "or all.",
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """Where a network saw evidence for a class in one frame.

    Attributes
    ----------
    heat : float32 (Y, X), 0..1: the map divided by its largest value in this frame; all zero where
        nothing spoke for the class. Maps of two frames do not compare in magnitude.
    peak : that largest value, in units of the score times the features.
    labels : the network's prediction, uint8 (Y, X), codes of the scheme.
    label, layer : the class and the layer explained. pixels : ``predicted`` or ``all``, as used.
    n_pixels : how many pixels the score was summed over. notes : what was unusual.
    """

    heat: NDArray[np.float32]
    peak: float
    labels: NDArray[np.uint8]
    label: LabelClass
    layer: str
    pixels: str
    n_pixels: int
    notes: tuple[str, ...] = ()


def named_class(scheme: LabelScheme, name: str) -> tuple[int, LabelClass]:
    """Channel and class of this name, in any case.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    for channel, label in enumerate(scheme.classes):
        if label.name.casefold() == name.casefold():
            return channel, label
    raise ValueError(f"the model knows no class {name!r}: choose one of {', '.join(scheme.names)}.")


class GradCam:
    """Explains one network; the networks cut at a layer are kept for the next frame.

    Parameters
    ----------
    model : Keras model (B, Y, X, 1) to softmax (B, Y, X, n_classes) whose last layer is called
        ``head_softmax`` and the one that ends the decoder feeds ``head_conv``.
    scheme : the classes, in channel order. multiple : rows and columns are padded to it.
    """

    def __init__(self, model: Any, scheme: LabelScheme, *, multiple: int = 1) -> None:
        self._model, self._scheme, self._multiple = model, scheme, multiple
        self._scores = model.get_layer("head_softmax").input
        self._cuts: dict[str, tuple[Any, Any]] = {}

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that can be explained, from the frame to the scores."""
        from napari_amseg.models.backend import keras

        return tuple(
            layer.name
            for layer in self._model.layers
            if not isinstance(layer, keras.layers.InputLayer)
            and layer.name != "head_softmax"
            and layer.output is not self._scores
            and len(layer.output.shape) == 4
        )

    @property
    def default_layer(self) -> str:
        """The last decoder block: the layer whose output enters ``head_conv``."""
        last = self._model.get_layer("head_conv").input
        return next(str(layer.name) for layer in self._model.layers if layer.output is last)

    def explain(
        self,
        frame: NDArray[np.float32],
        class_name: str,
        settings: ExplainSettings | None = None,
    ) -> Explanation:
        """The heat map of a class in one frame.

        Parameters
        ----------
        frame : float32 (Y, X), any size, in the network's input range. It goes through the network
            in one piece, its border mirrored outwards to the size the network needs.
        class_name : as the scheme has it, in any case.

        Raises
        ------
        ValueError
            If the network has no such class or layer; the message lists those it has.
        """
        settings = settings or ExplainSettings()
        channel, label = named_class(self._scheme, class_name)
        layer = self._checked(settings.layer or self.default_layer)
        frame_shape, batch = frame.shape, self._batch(frame)
        features, scores = (np.asarray(x[0]) for x in self._cut(layer)[0].predict_on_batch(batch))
        labels = self._labels(scores, frame_shape)
        counted, notes = labels == label.code, []
        pixels = settings.pixels if counted.any() else "all"
        if pixels != settings.pixels:
            notes.append(f"no pixel is predicted as {label.name}: the scores of all were summed.")
        if pixels == "all":
            counted = np.ones_like(counted)
        gradients = self._gradients(layer, batch, features, channel, counted)
        heat = enlarged(cam(features, gradients), scores.shape[:2])
        heat = heat[: frame_shape[0], : frame_shape[1]]
        peak = float(heat.max())
        if not peak:
            notes.append(f"nothing in {layer} speaks for {label.name}: the heat map is zero.")
        return Explanation(
            heat=np.ascontiguousarray(heat / peak if peak else heat),
            peak=peak,
            labels=labels,
            label=label,
            layer=layer,
            pixels=pixels,
            n_pixels=int(counted.sum()),
            notes=tuple(notes),
        )

    def _checked(self, layer: str) -> str:
        if layer not in self.layers:
            raise ValueError(
                f"the network has no layer {layer!r} to explain: choose one of "
                f"{', '.join(self.layers)}."
            )
        return layer

    def _cut(self, layer: str) -> tuple[Any, Any]:
        """Two networks: the frame to (features, scores), and (frame, features) to scores."""
        from napari_amseg.models.backend import keras

        if layer not in self._cuts:
            frame, features = self._model.input, self._model.get_layer(layer).output
            self._cuts[layer] = (
                keras.Model(frame, [features, self._scores]),
                keras.Model([frame, features], self._scores),
            )
        return self._cuts[layer]

    def _batch(self, frame: NDArray[np.float32]) -> NDArray[np.float32]:
        """The frame as (1, Y, X, 1), mirrored outwards below and on the right."""
        pad = [(0, -n % self._multiple) for n in frame.shape]
        padded = np.pad(frame.astype(np.float32, copy=False), pad, mode="symmetric")
        return padded[np.newaxis, ..., np.newaxis]

    def _labels(self, scores: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
        channels = np.argmax(scores[: shape[0], : shape[1]], axis=-1)
        labels: NDArray[np.uint8] = np.asarray(self._scheme.codes, np.uint8)[channels]
        return labels

    def _gradients(
        self,
        layer: str,
        batch: NDArray[np.float32],
        features: NDArray[np.float32],
        channel: int,
        counted: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Gradient (y, x, K) with respect to the features of the score summed over pixels."""
        from napari_amseg.models.backend import gradient, keras

        to_scores = self._cut(layer)[1]
        mask = np.zeros(batch.shape[:3], np.float32)
        mask[0, : counted.shape[0], : counted.shape[1]] = counted
        inputs, weights = (keras.ops.convert_to_tensor(x) for x in (batch, mask))

        def score(at: Any) -> Any:
            return keras.ops.sum(to_scores([inputs, at], training=False)[..., channel] * weights)

        found: NDArray[np.float32] = gradient(score, features[np.newaxis])[0]
        return found


def make_gradcam(bundle: Bundle) -> GradCam:
    """Grad-CAM for a model bundle; loads its weights."""
    card = bundle.card
    multiple = architecture(card.architecture).multiple
    return GradCam(bundle.model, card.scheme, multiple=multiple)
