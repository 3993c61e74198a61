"""The networks by name: one builder and one line here each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network we can build: where its builder lives and what it takes."""

    builder: str
    multiple: int
    arguments: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""


MOST_FILTERS = 512  # of a first step; the widest network of the paper has 64
ARCHITECTURES: dict[str, Architecture] = {
    "amsegnet": Architecture(
        builder="napari_amseg.models.amsegnet:build_amsegnet",
        multiple=16,
        arguments={"filters": 12},
        summary="AM-SegNet: lightweight blocks and an attention gate",
    ),
    "amsegnet-noattention": Architecture(
        builder="napari_amseg.models.amsegnet:build_amsegnet_noattention",
        multiple=16,
        arguments={"filters": 12},
        summary="AM-SegNet without its attention gate",
    ),
    "unet": Architecture(
        builder="napari_amseg.models.unet:build_unet",
        multiple=16,
        arguments={"filters": 64},
        summary="U-Net with batch normalisation",
    ),
    "resunet": Architecture(
        builder="napari_amseg.models.unet:build_resunet",
        multiple=16,
        arguments={"filters": 64},
        summary="U-Net with residual blocks",
    ),
    "squeezeunet": Architecture(
        builder="napari_amseg.models.unet:build_squeezeunet",
        multiple=16,
        arguments={"filters": 32},
        summary="U-Net whose encoder has fire blocks",
    ),
    "amsegnet-fast": Architecture(
        builder="napari_amseg.models.fast:build_amsegnet_fast",
        multiple=32,
        arguments={"filters": 16},
        summary="for processors: wide only where the frame is small",
    ),
}


def architecture(name: str) -> Architecture:
    """The registered network of this name.

    Raises
    ------
    ValueError
        If there is none; the message lists those there are.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        known = ", ".join(ARCHITECTURES)
        raise ValueError(f"there is no network named {name!r}: choose one of {known}.") from None


def build(name: str, *, n_classes: int, **arguments: Any) -> Any:
    """A freshly initialised Keras model.

    Parameters
    ----------
    name : a key of :data:`ARCHITECTURES`.
    n_classes : output channels.
    arguments : of the network, ``filters=4`` for example; the registered defaults otherwise.

    Raises
    ------
    ValueError
        If the network or one of its arguments does not exist.
    """
    entry = architecture(name)
    unknown = sorted(set(arguments) - set(entry.arguments))
    if unknown:
        raise ValueError(
            f"network {name!r} has no argument {', '.join(unknown)}: "
            f"it takes {', '.join(entry.arguments) or 'none'}."
        )
    module, function = entry.builder.split(":")
    wrong = {k: v for k, v in arguments.items() if type(v) is not type(entry.arguments[k])}
    if wrong:
        raise ValueError(f"network {name!r} cannot be built with {wrong}.")
    for argument, n in arguments.items():  # before memory is taken for it
        if isinstance(n, int) and not 1 <= n <= MOST_FILTERS:
            raise ValueError(
                f"network {name!r} cannot be built with {argument} = {n}: choose 1 to "
                f"{MOST_FILTERS}."
            )
    return getattr(import_module(module), function)(
        n_classes=n_classes, **{**entry.arguments, **arguments}
    )
