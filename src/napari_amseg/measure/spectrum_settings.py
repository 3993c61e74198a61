"""How spectra are computed: the options of ``amseg spectrum``."""

from __future__ import annotations

from dataclasses import dataclass

from napari_amseg.settings import Settings, setting


@dataclass(frozen=True, slots=True)
class SpectrumSettings(Settings):
    """How the spectrum of a series is computed."""

    segment_frames: int = setting(
        0,
        low=0,
        unit="frames",
        help="Length of a segment, 8 or more; 0: a quarter of the series, a power of two. Longer "
        "ones tell frequencies apart better, shorter ones are less noisy.",
    )
    max_gap_frames: int = setting(
        2, low=0, unit="frames", help="Gaps up to this length are filled by straight lines."
    )
    outlier_sigma: float = setting(
        0.0,
        low=0,
        help="Drop values farther from the running median than so many robust standard "
        "deviations; 0: keep all.",
    )
    outlier_window_frames: int = setting(
        21, low=3, unit="frames", help="Length of that running median."
    )
    false_alarm: float = setting(
        0.01,
        low=1e-9,
        high=1.0,
        help="A peak counts if noise alone would show one as high in the whole spectrum with at "
        "most this chance.",
    )
    min_peak_share: float = setting(
        0.001, low=0, high=1, help="Peaks with a smaller share of the variance are left out."
    )

    def __post_init__(self) -> None:
        Settings.__post_init__(self)
        if 0 < self.segment_frames < 8:
            raise ValueError(
                f"segment_frames is {self.segment_frames}: give 8 or more, or 0 to leave it to "
                "the program."
            )
