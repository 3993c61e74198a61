"""Numbers of things in messages."""

from __future__ import annotations


def counted(n: int, what: str) -> str:
    """As "1 frame" or "13,812 frames"."""
    return f"{n:,} {what}" + ("" if n == 1 else "s")
