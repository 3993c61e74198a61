"""Numbers from label images: one function, one column, one documented definition each."""

from napari_amseg.measure.frame import (
    FRAME_COLUMNS,
    PORE_COLUMNS,
    FrameMeasures,
    MeasureSettings,
    measure_frame,
)
from napari_amseg.measure.keyhole import keyhole_area_px, keyhole_depth_px, largest_component
from napari_amseg.measure.line import Line, fit_line
from napari_amseg.measure.link import PoreLinker
from napari_amseg.measure.pores import Pore, find_pores
from napari_amseg.measure.series import Deviation, StackSummary, deviation
from napari_amseg.measure.surface import fit_surface

__all__ = [
    "FRAME_COLUMNS",
    "PORE_COLUMNS",
    "Deviation",
    "FrameMeasures",
    "Line",
    "MeasureSettings",
    "Pore",
    "PoreLinker",
    "StackSummary",
    "deviation",
    "find_pores",
    "fit_line",
    "fit_surface",
    "keyhole_area_px",
    "keyhole_depth_px",
    "largest_component",
    "measure_frame",
]
