"""Networks, model bundles and the authors' published weights. Keras loads on first use only."""

from napari_amseg.models.bundle import (
    Bundle,
    ModelCard,
    bundled_models,
    load_bundle,
    save_bundle,
)
from napari_amseg.models.registry import ARCHITECTURES, architecture, build

__all__ = [
    "ARCHITECTURES",
    "Bundle",
    "ModelCard",
    "architecture",
    "build",
    "bundled_models",
    "load_bundle",
    "save_bundle",
]
