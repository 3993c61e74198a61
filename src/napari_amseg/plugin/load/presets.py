"""Cameras of well-known beamlines: a pixel size and a frame rate to start from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Preset:
    """Pixel size (um) and frame rate (Hz) of a facility's usual set-up."""

    facility: str
    pixel_size_um: float
    frame_rate_hz: float

    @property
    def title(self) -> str:
        """For the menu: ``ESRF: 4.31 µm, 40 kHz``."""
        return f"{self.facility}: {self.pixel_size_um:g} µm, {self.frame_rate_hz / 1000:g} kHz"


PRESETS = (
    Preset("ESRF", 4.31, 40_000.0),
    Preset("APS", 2.0, 50_000.0),
    Preset("DLS", 6.67, 1_000.0),
)
