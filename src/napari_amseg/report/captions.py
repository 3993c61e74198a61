"""Words on videos: time stamps, titles, legend and scale bar, drawn at final size."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelClass
from napari_amseg.report.panels import RGB, rgb

INK, PAPER = (238, 238, 238), (20, 20, 20)
_FIGURE_SPACE = "\u2007"  # as wide as a digit, so that the unit does not jump
_BAR_SHARE = 0.2  # of the panel's width


@dataclass(frozen=True, slots=True)
class TimeScale:
    """How the time of a frame is written: in ms, in µs for stacks shorter than 1 ms, or as the
    frame's number where the frame rate is not known.
    """

    n_frames: int
    frame_rate_hz: float | None

    def text(self, t: int) -> str:
        """``0.24 ms``, ``240 µs`` or ``frame 12``; of one width in the whole stack."""
        if self.frame_rate_hz is None:
            return f"frame {t:{_FIGURE_SPACE}>{len(str(self.n_frames - 1))}}"
        per_unit, unit = self._unit()
        decimals = _decimals(per_unit / self.frame_rate_hz)
        longest = len(self._number(self.n_frames - 1, decimals))
        return f"{self._number(t, decimals):{_FIGURE_SPACE}>{longest}} {unit}"

    def _unit(self) -> tuple[float, str]:
        assert self.frame_rate_hz is not None
        return (1e6, "µs") if (self.n_frames - 1) / self.frame_rate_hz < 1e-3 else (1e3, "ms")

    def _number(self, t: int, decimals: int) -> str:
        assert self.frame_rate_hz is not None
        return f"{self._unit()[0] * t / self.frame_rate_hz:.{decimals}f}"


def _decimals(step: float) -> int:
    """Digits after the point that tell times `step` apart, and no more than are exact."""
    enough = max(0, math.ceil(math.log10(5 / step)))
    exact = (d for d in range(enough) if math.isclose(step * 10**d, round(step * 10**d)))
    return next((d for d in exact if round(step * 10**d)), enough)


def round_bar_um(width_um: float) -> float:
    """A length of 1, 2 or 5 times a power of ten near a fifth of an image's width."""
    wanted = _BAR_SHARE * width_um
    power = 10.0 ** math.floor(math.log10(wanted))
    return min((m * power for m in (1, 2, 5, 10)), key=lambda um: abs(math.log(um / wanted)))


@functools.lru_cache
def font(size_px: int) -> Any:
    """DejaVu Sans, which matplotlib brings, so that videos look the same everywhere."""
    import matplotlib
    from PIL import ImageFont

    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
    return ImageFont.truetype(str(path), size_px)


def text_width(text: str, size_px: int) -> int:
    """Width of a line of text in px."""
    return int(np.ceil(font(size_px).getlength(text)))


def write(image: RGB, text: str, *, x: float, y: float, size_px: int, anchor: str = "lm") -> None:
    """Write a line of text into an RGB image, in place.

    anchor : where (x, y) is: ``lm`` left and middle, ``rm`` right and middle.
    """
    from PIL import Image, ImageDraw

    picture = Image.fromarray(image)
    ImageDraw.Draw(picture).text((x, y), text, fill=INK, font=font(size_px), anchor=anchor)
    image[:] = np.asarray(picture)


def legend_lines(
    classes: Sequence[LabelClass], width_px: int, size_px: int
) -> list[list[LabelClass]]:
    """The classes in as many lines as the width asks for."""
    lines: list[list[LabelClass]] = [[]]
    for c in classes:
        if lines[-1] and legend_width([*lines[-1], c], size_px) > width_px:
            lines.append([])
        lines[-1].append(c)
    return lines


def legend_width(classes: Sequence[LabelClass], size_px: int) -> int:
    """Width of a line of the legend."""
    return sum(_entry_width(c, size_px) for c in classes) - _after(size_px)


def _entry_width(entry: LabelClass, size_px: int) -> int:
    return round(1.45 * size_px) + text_width(entry.name, size_px) + _after(size_px)


def _after(size_px: int) -> int:
    return round(1.1 * size_px)


def draw_legend(image: RGB, classes: Sequence[LabelClass], *, x: int, y: float, px: int) -> None:
    """One line of the legend, centred on row y: a patch of the class's colour and its name.

    px : size of the letters.
    """
    side = round(0.95 * px)
    top = round(y - side / 2)
    for c in classes:
        image[top : top + side, x : x + side] = INK
        image[top + 1 : top + side - 1, x + 1 : x + side - 1] = rgb(c.color)
        write(image, c.name, x=x + round(1.45 * px), y=y, size_px=px)
        x += _entry_width(c, px)


@dataclass(frozen=True, slots=True)
class Stamp:
    """Something to be laid over a panel. color : uint8 (Y, X, 3). alpha : float32 (Y, X, 1)."""

    color: RGB
    alpha: NDArray[np.float32]

    @property
    def shape(self) -> tuple[int, ...]:
        """Rows and columns."""
        return self.color.shape[:2]

    def lay_over(self, image: RGB, y: int, x: int) -> None:
        """Blend it into an RGB image, in place, its corner at (y, x)."""
        here = image[y : y + self.shape[0], x : x + self.shape[1]]
        here[:] = (self.alpha * self.color + (1 - self.alpha) * here).round().astype(np.uint8)


def scale_bar(bar_px: int, length_um: float, size_px: int) -> Stamp:
    """A white bar with its length above it, both with a dark rim to be seen on any grey."""
    from PIL import Image, ImageDraw

    text, edge = f"{length_um:g} µm", max(1, size_px // 10)
    thick = max(2, round(size_px / 5))
    wide = max(bar_px, text_width(text, size_px)) + 4 * edge
    high = round(1.35 * size_px) + thick + 4 * edge
    picture = Image.new("RGBA", (wide, high), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.text((wide / 2, high - thick - 3 * edge - size_px * 0.25), text, font=font(size_px),
              fill=(255, 255, 255, 255), anchor="ms", stroke_width=edge,
              stroke_fill=(0, 0, 0, 255))  # fmt: skip
    left, top = (wide - bar_px) // 2, high - thick - edge - 1
    box = (left, top, left + bar_px - 1, top + thick - 1)
    draw.rectangle(
        (box[0] - edge, box[1] - edge, box[2] + edge, box[3] + edge), fill=(0, 0, 0, 255)
    )
    draw.rectangle(box, fill=(255, 255, 255, 255))
    pixels = np.asarray(picture)
    return Stamp(pixels[..., :3].copy(), np.asarray(pixels[..., 3:] / 255, np.float32))
