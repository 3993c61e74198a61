"""Which model is chosen, as a record that survives the session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from napari_amseg.models import Bundle, bundled_models, load_bundle


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """The chosen model. name : of a shipped one, else of its folder. folder : None if shipped."""

    name: str
    weights_sha256: str
    folder: str | None = None


def model_of(segment: Any) -> ModelRecord | None:
    """The model that is chosen in *Segment*; None if there is none that can be read."""
    try:
        bundle = segment.model.bundle()
    except (ValueError, OSError):
        return None
    if bundle is None:
        return None
    shipped = bundled_models().get(bundle.name) == bundle.folder
    folder = None if shipped else str(bundle.folder.absolute())
    return ModelRecord(bundle.name, bundle.weights_sha256, folder)


def bundle_of(record: ModelRecord) -> Bundle:
    """The model of a record.

    Raises
    ------
    OSError, ValueError
        If it is gone, or another one now.
    """
    if record.folder is None and record.name not in bundled_models():
        raise ValueError("this version does not ship it: choose a model in Segment.")
    bundle = load_bundle(record.folder or record.name)
    if bundle.weights_sha256 != record.weights_sha256:
        raise ValueError(
            f"{bundle.folder} is another model than when this was saved: choose one in Segment."
        )
    return bundle
