"""The scene of a random training frame: geometry, absorption and labels, before any camera."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.sample.geometry import Surface

Array = NDArray[Any]


@dataclass(slots=True)
class Scene:
    """What a training frame is made of, and how strongly it shows.

    is_clipped : a slit cuts the beam off above the surface.
    below : depth of pixel centres under the surface, (Y, X). labels : uint8 (Y, X).
    optical_depth : projected absorption, (Y, X). plate : optical depth of the substrate.
    glitter : brightness factor of what scatters rather than absorbs, (Y, X).
    contrast : optical depth missing in the middle of a cavity.
    """

    surface: Surface
    has_surface: bool
    has_powder: bool
    is_clipped: bool
    below: Array
    labels: Array
    optical_depth: Array
    glitter: Array
    plate: float
    contrast: float


def between(rng: np.random.Generator, low: float, high: float) -> float:
    """A log-uniform draw."""
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))
