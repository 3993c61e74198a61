"""Frames and masks as RGB pixels, painted with numpy: thousands of them, for videos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from napari_amseg.labels import LabelScheme

RGB = NDArray[np.uint8]
OUTLINED = ("keyhole", "pore")
_WHITE = np.uint8(255)


@dataclass(frozen=True, slots=True)
class Palette:
    """RGB of every class code over every grey value.

    table : uint8 (65536, 3), row ``256 * code + grey``. outlined : codes that get a white rim.
    """

    table: NDArray[np.uint8]
    outlined: tuple[int, ...]

    @classmethod
    def of(cls, scheme: LabelScheme, opacity: float) -> Palette:
        """Colours of a scheme; keyhole and pore stronger than `opacity`, the others weaker."""
        grey = np.arange(256, dtype=np.float32)[:, np.newaxis]
        table = np.repeat(grey, 3, axis=1)[np.newaxis].repeat(256, axis=0)
        for c in scheme.classes:
            alpha = class_opacity(c.role, opacity)
            table[c.code] = (1 - alpha) * grey + alpha * np.array(rgb(c.color), np.float32)
        codes = (scheme.code_of(role) for role in OUTLINED)
        return cls(
            table.reshape(-1, 3).round().astype(np.uint8), tuple(c for c in codes if c is not None)
        )


def class_opacity(role: str, opacity: float) -> float:
    """Opacity of a class where the scheme's is `opacity`."""
    return min(1.0, opacity * (1.6 if role in OUTLINED else 0.7))


def rgb(color: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of ``#rrggbb``."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


class Grey:
    """Grey values of any dtype to 0..255 between two limits, the same for every frame.

    limits : values shown black and white. dtype : of the frames.
    """

    def __init__(self, limits: tuple[float, float], dtype: Any) -> None:
        low, high = limits
        self._low = np.float32(low)
        self._scale = np.float32(255 / (high - low if high > low else 1))
        kind = np.dtype(dtype)
        self._table: NDArray[np.uint8] | None = None
        if kind.kind == "u" and kind.itemsize <= 2:  # a table look-up is several times faster
            self._table = self._scaled(np.arange(2 ** (8 * kind.itemsize), dtype=np.float32))

    def __call__(self, frame: NDArray[Any]) -> NDArray[np.uint8]:
        """The frame (Y, X) as uint8."""
        if self._table is None:
            return self._scaled(frame)
        grey: NDArray[np.uint8] = self._table[frame]
        return grey

    def _scaled(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        scaled = (values.astype(np.float32) - self._low) * self._scale
        grey: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
        return grey


def resized(image: NDArray[np.uint8], shape: tuple[int, int], *, codes: bool) -> NDArray[np.uint8]:
    """An image (Y, X) at another size; codes are never mixed, grey values are averaged.

    Whole multiples repeat pixels, so that small frames stay as sharp as they are.
    """
    from PIL import Image

    if image.shape == shape:
        return image
    whole = not (shape[0] % image.shape[0] or shape[1] % image.shape[1])
    smaller = shape[0] < image.shape[0]
    method = Image.Resampling.BILINEAR
    if codes or whole:
        method = Image.Resampling.NEAREST
    elif smaller:
        method = Image.Resampling.BOX
    size = shape[1], shape[0]
    return np.asarray(Image.fromarray(np.ascontiguousarray(image)).resize(size, method))


def paint(
    grey: NDArray[np.uint8], codes: NDArray[np.uint8] | None, palette: Palette, *, rim_px: int = 1
) -> RGB:
    """RGB (Y, X, 3) of a grey image, with its classes over it where there are any.

    grey, codes : (Y, X), at final size. rim_px : width of the line around keyhole and pore, drawn
    outside them so that small pores keep their colour.
    """
    if codes is None:
        return np.repeat(grey[..., np.newaxis], 3, axis=2)
    index = codes.astype(np.intp)
    index <<= 8
    index += grey
    painted = np.take(palette.table, index, axis=0)
    for code in palette.outlined:
        mask = codes == code
        if mask.any():
            painted[rim(mask, rim_px)] = _WHITE
    return painted


def rim(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    """Pixels outside a mask, at most `width` px from it by rows and columns."""
    grown = mask.copy()
    for _ in range(width):
        seed = grown.copy()
        grown[1:] |= seed[:-1]
        grown[:-1] |= seed[1:]
        grown[:, 1:] |= seed[:, :-1]
        grown[:, :-1] |= seed[:, 1:]
    return grown & ~mask
