"""Pixel size and frame rate from TIFF metadata, where it truly says so.

Bare resolution tags are not believed: most writers fill in 72 dpi, and ImageJ then says "inch" or
"cm". Only a length unit of microscopy, set in ImageJ or OME-XML, counts.
"""

from __future__ import annotations

from xml.etree import ElementTree

import tifffile

from napari_amseg.types import Experiment

_UM = {
    "nm": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0, "microns": 1.0,
    "micrometer": 1.0, "mm": 1e3,
}  # fmt: skip
_SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "msec": 1e-3, "s": 1.0,
    "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "h": 3600.0,
}  # fmt: skip


def read_metadata(tif: tifffile.TiffFile) -> Experiment:
    """What the file knows of pixel size (um) and frame rate (Hz)."""
    if tif.is_ome:
        pixel_size_um, interval_s = _from_ome(tif)
    elif tif.is_imagej:
        pixel_size_um, interval_s = _from_imagej(tif)
    else:
        pixel_size_um, interval_s = None, None
    pixel_size_um = _positive(pixel_size_um)
    return Experiment(
        pixel_size_um=pixel_size_um if pixel_size_um and 1e-3 <= pixel_size_um <= 1e3 else None,
        frame_rate_hz=_positive(1 / interval_s if interval_s else None),
    )


def _positive(value: float | None) -> float | None:
    """The value without the last digits of its binary fraction, or None if it is nonsense."""
    return float(f"{value:.9g}") if value is not None and 0 < value < float("inf") else None


def _from_imagej(tif: tifffile.TiffFile) -> tuple[float | None, float | None]:
    metadata = tif.imagej_metadata or {}
    unit = str(metadata.get("unit", "")).replace("\\u00B5", "µ").strip().lower()
    tags = tif.pages.first.tags
    pixel_size_um = None
    if unit in _UM and "XResolution" in tags and "YResolution" in tags:
        x, y = (_ratio(tags[name].value) for name in ("XResolution", "YResolution"))
        if x and y and abs(x - y) < 1e-3 * x:  # oblong pixels have no single size
            pixel_size_um = _UM[unit] / x
    interval = _number(metadata.get("finterval"))
    scale = _SECONDS.get(str(metadata.get("tunit", "s")).replace("\\u00B5", "µ").strip().lower())
    return pixel_size_um, interval * scale if interval and scale else None


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
    x = _quantity(pixels.get("PhysicalSizeX"), pixels.get("PhysicalSizeXUnit", "µm"), _UM)
    y = _quantity(pixels.get("PhysicalSizeY"), pixels.get("PhysicalSizeYUnit", "µm"), _UM)
    if x and y and abs(x - y) > 1e-3 * x:
        x = None
    seconds = _quantity(pixels.get("TimeIncrement"), pixels.get("TimeIncrementUnit", "s"), _SECONDS)
    return x, seconds


def _quantity(text: str | None, unit: str, scales: dict[str, float]) -> float | None:
    try:
        return float(text or "") * scales[unit.lower()]
    except (ValueError, KeyError):
        return None
