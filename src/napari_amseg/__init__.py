"""From a raw high-speed X-ray stack of laser melting to keyhole and pore numbers.

Four names are enough for a script; they are imported on first use, so that
``import napari_amseg`` loads neither Keras nor Qt.

>>> from napari_amseg import read_stack, load_bundle, segment_stack, measure_stack
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_amseg.io import read_stack
    from napari_amseg.models import load_bundle
    from napari_amseg.pipeline import measure_stack, segment_stack

try:
    __version__ = version("napari-amseg")
except PackageNotFoundError:  # a source tree that was never installed
    __version__ = "0+unknown"

__all__ = ["__version__", "load_bundle", "measure_stack", "read_stack", "segment_stack"]

_HOMES = {
    "read_stack": "napari_amseg.io",
    "load_bundle": "napari_amseg.models",
    "segment_stack": "napari_amseg.pipeline",
    "measure_stack": "napari_amseg.pipeline",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
