"""The tracks of pores as a layer of lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_amseg.measure.pore_tracks import BIRTHS
from napari_amseg.plugin.layers import LayerData

if TYPE_CHECKING:
    import pandas as pd

_TAIL_FRAMES, _TAIL_WIDTH = 30, 3


def tracks_layer(
    pores: pd.DataFrame, tracks: pd.DataFrame, *, name: str, place: dict[str, Any]
) -> LayerData:
    """A Tracks layer of the pores, coloured by track.

    Parameters
    ----------
    pores : rows of ``_pores.csv`` with their ``track_id``. tracks : rows of ``_pore_tracks.csv``.
    place : where the (T, Y, X) labels layer lies, from ``placement`` or ``place_on``.

    Returns
    -------
    Vertices (n, 4) of track, frame, row and column, in pixels. Their properties can colour them:
    size, ``birth`` as the number of its word in ``metadata["births"]``, and the speed of the track,
    0 for one sighting. Splits and merges are edges of the graph.

    Raises
    ------
    ValueError
        If there is no pore.
    """
    if not len(pores):
        raise ValueError(
            "there is no pore to show: measure labels that have pores, or lower the smallest pore "
            "area that counts."
        )
    rows = pores.sort_values(["track_id", "frame"], kind="stable", ignore_index=True)
    columns = ["track_id", "frame", "centroid_y_px", "centroid_x_px"]
    options = {
        "name": name,
        "properties": _properties(rows, tracks.set_index("track_id")),
        "graph": _graph(tracks),
        "color_by": "track_id",
        "colormap": "turbo",
        "blending": "translucent",  # additive lines vanish on a bright radiograph
        "tail_length": _TAIL_FRAMES,
        "tail_width": _TAIL_WIDTH,
        "metadata": {"births": dict(enumerate(BIRTHS))},
        **place,
    }
    return rows[columns].to_numpy(np.float64), options, "tracks"


def _properties(rows: pd.DataFrame, tracks: pd.DataFrame) -> dict[str, Any]:
    """One number a vertex: napari cannot colour by words, and a NaN would take all colours."""
    own = tracks.loc[rows["track_id"]]
    size, unit = ("um", "um2") if rows["area_um2"].notna().all() else ("px", "px")
    step = np.hypot(own["velocity_y_px_per_frame"], own["velocity_x_px_per_frame"])
    timed = tracks["speed_m_s"].notna().any()
    speed = ("speed_m_s", own["speed_m_s"]) if timed else ("speed_px_per_frame", step)
    return {
        "track_id": rows["track_id"].to_numpy(np.int64),
        f"area_{unit}": rows[f"area_{unit}"].to_numpy(np.float64),
        f"equivalent_diameter_{size}": rows[f"equivalent_diameter_{size}"].to_numpy(np.float64),
        "birth": own["birth"].map(BIRTHS.index).to_numpy(np.int64),
        speed[0]: np.nan_to_num(speed[1].to_numpy(np.float64)),
    }


def _graph(tracks: pd.DataFrame) -> dict[int, list[int]]:
    """Of each track that came from others, those: napari's form of splits and merges."""
    graph: dict[int, list[int]] = {}
    merged = tracks.dropna(subset="merged_into_track_id")
    for parent, child in zip(merged["track_id"], merged["merged_into_track_id"], strict=True):
        graph.setdefault(int(child), []).append(int(parent))
    split = tracks[tracks["birth"] == "split"]
    for child, parent in zip(split["track_id"], split["parent_track_id"], strict=True):
        graph.setdefault(int(child), []).append(int(parent))
    return graph
