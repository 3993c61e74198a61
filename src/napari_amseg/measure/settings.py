"""How label images are measured: the options of *Measure* and of ``amseg quantify``."""

from __future__ import annotations

from dataclasses import dataclass

from napari_amseg.measure.laser_on import parse_range
from napari_amseg.measure.tracks import LONGEST_GAP_FRAMES
from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class MeasureSettings(Settings):
    """How label images are measured."""

    min_keyhole_area_px: float = setting(
        0.0, low=0, unit="px", help="A frame with fewer keyhole pixels counts as without a keyhole."
    )
    min_pore_area_px: float = setting(
        0.0, low=0, unit="px", help="Smaller pores are dropped, from counts and areas."
    )
    max_pore_step_px: float = setting(
        12.0, low=0, unit="px", help="Farthest a pore may move between two frames and be the same."
    )
    max_pore_gap_frames: int = setting(
        2, low=0, unit="frames", help="A pore may be missed for so many frames and be the same."
    )
    pinch_off_px: float = setting(
        16.0, low=0, unit="px", help="A pore born closer to the keyhole's tip was pinched off."
    )
    max_keyhole_gap_frames: int = setting(
        LONGEST_GAP_FRAMES,
        low=0,
        unit="frames",
        help="So many frames without a keyhole do not end a laser track.",
    )
    skip_entry_exit_frames: int = setting(
        0,
        low=0,
        unit="frames",
        help="Keyhole frames left out of the summary at the start and the end of each track.",
    )
    laser_on_frames: str = setting(
        "",
        help="Frames A:B in which the laser was on, B excluded; found from the keyhole if empty.",
    )
    scan_direction: str = setting(
        "auto",
        choices=("auto", "right", "left", "none"),
        help="Where the laser moves in the image, for front and rear; none for a standing beam.",
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        self.laser_on_range()

    def scan_sign(self) -> int | None:
        """`scan_direction` as 1 (right), -1 (left) or 0 (none); None if it is to be found."""
        return {"right": 1, "left": -1, "none": 0}.get(self.scan_direction)

    def require_frames(self, n_frames: int) -> None:
        """Refuse a laser-on range that holds no frame of a stack of `n_frames`.

        Raises
        ------
        ValueError
            If `laser_on_frames` begins after the last frame.
        """
        within = self.laser_on_range()
        if within is not None and within[0] >= n_frames:
            raise ValueError(
                f"laser_on_frames is {self.laser_on_frames}, but the stack has only the frames 0 "
                f"to {n_frames - 1}: give a range A:B of these."
            )

    def laser_on_range(self) -> tuple[int, int] | None:
        """`laser_on_frames` as numbers, None if it is left to the program."""
        return parse_range(self.laser_on_frames) if self.laser_on_frames else None
