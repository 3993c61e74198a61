"""Numbers from label images: one function, one column, one documented definition each."""

from napari_amseg.measure.deviations import Deviation, deviation, relative_deviations
from napari_amseg.measure.frame import FRAME_COLUMNS, PORE_COLUMNS, FrameMeasures, measure_frame
from napari_amseg.measure.keyhole import keyhole_area_px, keyhole_depth_px, largest_component
from napari_amseg.measure.laser_on import LaserOn, find_laser_on
from napari_amseg.measure.line import Line, fit_line
from napari_amseg.measure.measurements import TABLE_COLUMNS, Measurements
from napari_amseg.measure.pores import Pore, find_pores
from napari_amseg.measure.powder import powder_layer_px
from napari_amseg.measure.settings import MeasureSettings
from napari_amseg.measure.shape import keyhole_profile, wall_angles_deg, width_at_px
from napari_amseg.measure.surface import fit_surface

__all__ = [
    "FRAME_COLUMNS",
    "PORE_COLUMNS",
    "TABLE_COLUMNS",
    "Deviation",
    "FrameMeasures",
    "LaserOn",
    "Line",
    "MeasureSettings",
    "Measurements",
    "Pore",
    "deviation",
    "find_laser_on",
    "find_pores",
    "fit_line",
    "fit_surface",
    "keyhole_area_px",
    "keyhole_depth_px",
    "keyhole_profile",
    "largest_component",
    "measure_frame",
    "powder_layer_px",
    "relative_deviations",
    "wall_angles_deg",
    "width_at_px",
]
