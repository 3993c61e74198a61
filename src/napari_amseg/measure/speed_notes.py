"""Whether the keyhole moves as fast as the laser was set to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOLERANCE = 0.05  # of the speed that was set


def speed_notes(summary: Mapping[str, Any]) -> tuple[str, ...]:
    """What must be known of the scan speed, in words; empty if it is as set, or not known.

    summary : the content of ``_summary.json``.
    """
    off = summary["scan_speed_relative_difference"]
    if off is None or abs(off) <= _TOLERANCE:
        return ()
    fitted, entered = summary["scan_speed_m_s"], summary["scan_speed_entered_m_s"]
    return (
        f"the keyhole moves at {fitted:.3g} m/s, {entered:.3g} m/s was set ({100 * off:+.0f} %): "
        "check pixel size, frame rate and masks. The edge of a keyhole that fluctuates wanders: a "
        "short track is fitted less well.",
    )
