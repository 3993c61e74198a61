"""A length in pixels and in um, side by side."""

from __future__ import annotations


def scaled(value: float | None, unit: float | None) -> float | None:
    """A value in pixels times its unit, None where either is unknown."""
    return None if value is None or unit is None else float(value) * unit


def twice(
    name: str, value_px: float | None, pixel_size_um: float | None
) -> dict[str, float | None]:
    """A length as two columns, ``<name>_px`` and ``<name>_um``."""
    return {f"{name}_px": value_px, f"{name}_um": scaled(value_px, pixel_size_um)}
