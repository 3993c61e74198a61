"""Units that files state lengths, times and rates in."""

from __future__ import annotations

UM = {
    "nm": 1e-3, "nanometer": 1e-3, "um": 1.0, "µm": 1.0, "μm": 1.0, "micron": 1.0,
    "microns": 1.0, "micrometer": 1.0, "micrometre": 1.0, "mm": 1e3, "millimeter": 1e3,
    "millimetre": 1e3, "cm": 1e4, "m": 1e6, "meter": 1e6, "metre": 1e6,
}  # fmt: skip
SECONDS = {
    "ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
    "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3, "s": 1.0, "sec": 1.0,
    "second": 1.0, "seconds": 1.0, "min": 60.0, "h": 3600.0,
}  # fmt: skip
HZ = {
    "hz": 1.0, "1/s": 1.0, "s^-1": 1.0, "s-1": 1.0, "fps": 1.0, "frames/s": 1.0,
    "frames per second": 1.0, "khz": 1e3, "mhz": 1e6,
}  # fmt: skip


def scale_of(unit: str, scales: dict[str, float]) -> float | None:
    """What a value in `unit` is multiplied by; None for another kind of unit, or none at all."""
    return scales.get(unit.strip().lower())
