"""The network a training starts from: fresh, or a trained one with its head kept or replaced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from napari_amseg.labels import LabelScheme
from napari_amseg.models.backend import has_gpu, keras
from napari_amseg.models.bundle import Bundle, ModelCard
from napari_amseg.models.registry import architecture, build
from napari_amseg.preprocess import Chain, Normalise

_ENCODER, _HEAD = "encoder_", "head_"


@dataclass(frozen=True, slots=True)
class NetworkChoice:
    """What to train.

    Attributes
    ----------
    architecture, arguments : of a fresh network, AM-SegNet if None. init : a trained model to start
        from instead.
    freeze_encoder : keep the encoder as it is; only with `init`.

    Raises
    ------
    ValueError
        If `init` is another network than asked for, or there is no `init` to freeze.
    """

    architecture: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=dict)
    init: Bundle | None = None
    freeze_encoder: bool = False

    def __post_init__(self) -> None:
        if self.init is not None:
            self._check_init(self.init.card)
        elif self.freeze_encoder:
            raise ValueError(
                "a frozen encoder would stay at its random start: give a model to start from "
                "(--init), or train all layers."
            )

    def _check_init(self, card: ModelCard) -> None:
        has = {**architecture(card.architecture).arguments, **card.arguments}
        for what, wanted, found in (
            ("network", self.architecture, card.architecture),
            *((name, value, has.get(name)) for name, value in self.arguments.items()),
        ):
            if wanted is not None and wanted != found:
                raise ValueError(
                    f"{what} is {wanted!r}, but the model to start from has {found!r}: leave it "
                    "out, or start afresh."
                )

    def card(self, scheme: LabelScheme) -> ModelCard:
        """The card of the model to be, for a benchmark of this scheme."""
        if self.init is None:
            return ModelCard(
                architecture=self.architecture or "amsegnet",
                arguments=self.arguments,
                scheme=scheme,
                chain=Chain((Normalise(low_percentile=0.5, high_percentile=99.5),)),
            )
        card = self.init.card
        return ModelCard(
            architecture=card.architecture,
            arguments=card.arguments,
            scheme=scheme,
            chain=card.chain,
        )

    def model(self, scheme: LabelScheme, precision: str) -> tuple[Any, tuple[str, ...]]:
        """The Keras model, and remarks on what was taken over from `init`."""
        card = self.card(scheme)
        with _policy(precision):
            model = build(card.architecture, n_classes=len(scheme.classes), **dict(card.arguments))
        if self.init is None:
            wake(model)
            return model, ()
        keep_head = _meaning(self.init.card.scheme) == _meaning(scheme)
        _copy_weights(self.init.model, model, head=keep_head)
        notes = [f"started from {self.init.name}"]
        if not keep_head:
            was = ", ".join(self.init.card.scheme.names)
            notes.append(
                f"new head for {', '.join(scheme.names)}: {self.init.name} was trained on {was}"
            )
        if self.freeze_encoder:
            for layer in model.layers:
                layer.trainable = not layer.name.startswith(_ENCODER)
            notes.append("encoder frozen")
        return model, tuple(notes)


def resolved_precision(wanted: str) -> str:
    """``auto`` resolved: mixed_float16 on a GPU, float32 on a CPU."""
    if wanted != "auto":
        return wanted
    return "mixed_float16" if has_gpu() else "float32"


@contextmanager
def _policy(precision: str) -> Iterator[None]:
    """Layers built inside compute in this precision; their weights stay float32."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def _meaning(scheme: LabelScheme) -> tuple[tuple[int, str], ...]:
    return tuple((c.code, c.role) for c in scheme.classes)


def wake(model: Any) -> None:
    """Make sure that a fresh network sees its input.

    AM-SegNet begins with a 1x1 convolution and a ReLU. Grey values are not negative, so a start at
    which all its weights are would pass on nothing, ever: one in 2**filters starts. Their sign is
    turned then.
    """
    first = next(layer for layer in model.layers if layer.weights)
    kernel, *bias = first.get_weights()
    if (kernel <= 0).all():
        first.set_weights([-kernel, *bias])


def _copy_weights(source: Any, target: Any, *, head: bool) -> None:
    for layer in source.layers:
        if layer.weights and (head or not layer.name.startswith(_HEAD)):
            target.get_layer(layer.name).set_weights(layer.get_weights())
