"""Figures for people and papers; matplotlib, every function takes ``ax``."""

from napari_amseg.report.gradcam import draw_heat, gradcam_figure
from napari_amseg.report.overlay import draw_overlay, overlay_figure
from napari_amseg.report.series import draw_series, series_figure

__all__ = [
    "draw_heat",
    "draw_overlay",
    "draw_series",
    "gradcam_figure",
    "overlay_figure",
    "series_figure",
]
