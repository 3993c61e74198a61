"""Pixel size and frame rate from TIFF metadata, where it truly says so.

Bare resolution tags are not believed: most writers fill in 72 dpi, and ImageJ then says "inch" or
"cm". Only another length unit, set in ImageJ or OME-XML, counts, and not if the size is
just that of a print resolution: converters copy it. ImageJ's ``fps`` is not believed
either: it is the speed at which its viewer plays, not that of the camera.
"""

from __future__ import annotations

from math import isclose
from xml.etree import ElementTree

import tifffile

from napari_amseg.io.units import SECONDS, UM, scale_of
from napari_amseg.types import Experiment

_OF_PRINTERS = ("inch", "cm")
_INCH_UM, _DPI = 25_400.0, (72, 96, 150, 300, 600)


def read_metadata(tif: tifffile.TiffFile) -> tuple[Experiment, tuple[str, ...]]:
    """What the file knows of pixel size (um) and frame rate (Hz), and what is not believed."""
    if tif.is_ome:
        pixel_size_um, interval_s = _from_ome(tif)
    elif tif.is_imagej:
        pixel_size_um, interval_s = _from_imagej(tif)
    else:
        pixel_size_um, interval_s = None, None
    pixel_size_um = _positive(pixel_size_um)
    dpi = _print_resolution(pixel_size_um)
    notes: tuple[str, ...] = ()
    if dpi is not None:
        notes = (f"a pixel size of {pixel_size_um:.6g} um is {dpi} dpi, for printing: not used",)
        pixel_size_um = None
    experiment = Experiment(
        pixel_size_um=pixel_size_um if pixel_size_um and 1e-3 <= pixel_size_um <= 1e3 else None,
        frame_rate_hz=_positive(1 / interval_s if interval_s else None),
    )
    return experiment, notes


def _print_resolution(pixel_size_um: float | None) -> int | None:
    """Dots per inch, where a pixel size is just what a program for pictures fills in."""
    sizes_um = {dpi: _INCH_UM / dpi for dpi in _DPI} if pixel_size_um else {}
    return next(
        (dpi for dpi, um in sizes_um.items() if isclose(um, pixel_size_um or 0, rel_tol=1e-4)), None
    )


def _positive(value: float | None) -> float | None:
    """The value without the last digits of its binary fraction, or None if it is nonsense."""
    return float(f"{value:.9g}") if value is not None and 0 < value < float("inf") else None


def _from_imagej(tif: tifffile.TiffFile) -> tuple[float | None, float | None]:
    metadata = tif.imagej_metadata or {}
    unit, time_unit = _unit(metadata, "unit", ""), _unit(metadata, "tunit", "s")
    tags = tif.pages.first.tags
    scale = None if unit in _OF_PRINTERS else scale_of(unit, UM)
    pixel_size_um = None
    if scale and "XResolution" in tags and "YResolution" in tags:
        x, y = (_ratio(tags[name].value) for name in ("XResolution", "YResolution"))
        # Oblong pixels have no single size.
        if x and y and abs(x - y) < 1e-3 * x and _unit(metadata, "yunit", unit) == unit:
            pixel_size_um = scale / x
    interval, seconds = _number(metadata.get("finterval")), scale_of(time_unit, SECONDS)
    return pixel_size_um, interval * seconds if interval and seconds else None


def _unit(metadata: dict[str, object], name: str, otherwise: str) -> str:
    """A unit in small letters; ImageJ writes the Greek letter as an escape."""
    text = str(metadata.get(name, otherwise)).strip().lower()
    return text.replace("\\u00b5", "µ").replace("\\u03bc", "µ")


def _number(value: object) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _ratio(value: tuple[int, int]) -> float | None:
    numerator, denominator = value
    return numerator / denominator if denominator else None


def _from_ome(tif: tifffile.TiffFile) -> tuple[float | None, float | None]:
    try:
        root = ElementTree.fromstring(tif.ome_metadata or "")
    except ElementTree.ParseError:
        return None, None
    pixels = next((e for e in root.iter() if e.tag.endswith("}Pixels") or e.tag == "Pixels"), None)
    if pixels is None:
        return None, None
    x = _quantity(pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeXUnit", "µm"), UM)
    y = _quantity(pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeYUnit", "µm"), UM)
    if x and y and abs(x - y) > 1e-3 * x:
        x = None
    seconds = _quantity(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), SECONDS)
    return x, seconds


def _quantity(text: str | None, unit: str, scales: dict[str, float]) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    scale = scale_of(unit, scales)
    return value * scale if scale else None
