"""Figures for people and papers; matplotlib, every function takes ``ax``."""

from napari_amseg.report.overlay import draw_overlay, overlay_figure
from napari_amseg.report.series import draw_series, series_figure

__all__ = ["draw_overlay", "draw_series", "overlay_figure", "series_figure"]
