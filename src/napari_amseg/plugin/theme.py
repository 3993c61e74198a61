"""Colours for drawings of our own that follow the theme of the viewer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import napari

_LEAST_CONTRAST = 3.0  # of graphical objects, WCAG 2.1, 1.4.11


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours as ``#rrggbb``: what drawings stand on, what is written, what stays behind."""

    background: str
    text: str
    faint: str

    def legible(self, color: str) -> str:
        """`color`, mixed with the text's as far as it must be to show on the background."""
        wanted, text = rgb(color), rgb(self.text)
        for share in np.linspace(0, 1, 21):
            mixed = (1 - share) * wanted + share * text
            if _contrast(mixed, rgb(self.background)) >= _LEAST_CONTRAST:
                break
        return "#" + "".join(f"{round(v):02x}" for v in mixed)


def palette(viewer: napari.components.ViewerModel) -> Palette:
    """The colours of the viewer's theme."""
    from napari.utils.theme import get_theme

    theme = get_theme(viewer.theme)
    colors = (theme.background, theme.text, theme.highlight)
    return Palette(*("#" + "".join(f"{v:02x}" for v in c.as_rgb_tuple()[:3]) for c in colors))


def rgb(color: str) -> NDArray[np.float64]:
    """``#rrggbb`` as three numbers of 0..255."""
    return np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)], np.float64)


def _contrast(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: NDArray[np.float64]) -> float:
    v = color / 255
    linear = np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))
