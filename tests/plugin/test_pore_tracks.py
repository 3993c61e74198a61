"""The tracks of pores as a layer: in place, coloured, with splits and merges."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from napari.layers import Layer, Tracks

from napari_amseg.labels import Label
from napari_amseg.measure import measure_frame
from napari_amseg.measure.pore_tracks import BIRTHS, track_pores
from napari_amseg.plugin.layers import LabelSource, labels_layer, placement, show_frame
from napari_amseg.plugin.measure.pore_tracks import tracks_layer
from napari_amseg.types import Experiment

KNOWN = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000.0)


def discs(shape, *places):
    y, x = np.ogrid[: shape[0], : shape[1]]
    image = np.full(shape, Label.SUBSTRATE, np.uint8)
    for row, column, radius in places:
        image[(y - row) ** 2 + (x - column) ** 2 <= radius**2] = Label.PORE
    return image


def merging_pores():
    """Labels (10, 100, 160): two pores that become one in frame 6, and one that drifts alone."""
    stack = []
    for t in range(10):
        alone = (20 + 2 * t, 30 + 3 * t, 5)
        two = [(60, 100, 8), (60, 116 + 2 * (5 - t), 6)]
        one = [(60, 100 + 16 * 36 / 100, 10)]
        stack.append(discs((100, 160), alone, *(two if t < 6 else one)))
    return np.stack(stack)


def tables(labels, experiment=KNOWN):
    measured = [measure_frame(f, frame=t, experiment=experiment) for t, f in enumerate(labels)]
    pores = pd.DataFrame([pore for m in measured for pore in m.pores])
    frames = pd.DataFrame([m.row for m in measured])
    found = track_pores(pores, frames, experiment=experiment)
    return pores.assign(track_id=found.track_ids), found.tracks


def test_the_layer_has_a_vertex_a_sighting_and_the_merge_in_its_graph():
    pores, tracks = tables(merging_pores())
    data, options, kind = tracks_layer(pores, tracks, name="pores", place=placement(KNOWN))
    assert kind == "tracks"
    assert data.shape == (len(pores), 4)
    assert options["graph"] == {3: [1, 2]}
    layer = Layer.create(data, options, kind)
    assert isinstance(layer, Tracks)
    drifting = layer.properties["track_id"] == 0
    assert layer.properties["speed_m_s"][drifting] == pytest.approx(13**0.5 * 0.1, rel=0.01)
    assert layer.properties["area_um2"][drifting] == pytest.approx(4 * 81)
    births = [layer.metadata["births"][i] for i in np.unique(layer.properties["birth"])]
    assert set(births) == {"present", "merge"} < set(BIRTHS)
    for name in layer.properties:
        layer.color_by = name
        assert np.isfinite(layer.track_colors).all()


def test_a_split_is_an_edge_to_each_branch_and_without_units_numbers_are_in_pixels():
    unknown = Experiment()
    pores, tracks = tables(merging_pores()[::-1], unknown)
    data, options, kind = tracks_layer(pores, tracks, name="pores", place=placement(unknown))
    graph = options["graph"]
    assert len(graph) == 2
    assert len({parents[0] for parents in graph.values()}) == 1
    layer = Layer.create(data, options, kind)
    assert {"area_px", "equivalent_diameter_px", "speed_px_per_frame"} < set(layer.properties)


def test_a_single_sighting_can_be_shown_and_no_pore_cannot():
    pores, tracks = tables(merging_pores()[:1, :50])
    data, options, kind = tracks_layer(pores, tracks, name="pores", place=placement(KNOWN))
    layer = Layer.create(data, options, kind)
    assert np.isfinite(layer.track_colors).all()
    with pytest.raises(ValueError, match="no pore to show"):
        tracks_layer(pores[:0], tracks[:0], name="pores", place=placement(KNOWN))


def test_in_a_viewer_the_tracks_lie_on_the_pores(make_napari_viewer):
    labels = merging_pores()
    pores, tracks = tables(labels)
    viewer = make_napari_viewer(show=True)
    place = placement(KNOWN, offset_px=(12, 30))
    below = viewer.add_layer(
        Layer.create(*labels_layer(labels, "labels", LabelSource(KNOWN), place))
    )
    lines = viewer.add_layer(Layer.create(*tracks_layer(pores, tracks, name="pores", place=place)))
    for t, y, x, number in pores[
        ["frame", "centroid_y_px", "centroid_x_px", "track_id"]
    ].to_numpy():
        show_frame(viewer, below, int(t))
        world = lines.data_to_world((t, y, x))
        assert below.get_value(world, world=True) == Label.PORE
        assert lines.get_value(world, world=True) == number
    # What is drawn: only over the tracks does the picture change with the layer.
    show_frame(viewer, below, 9)
    below.visible = False
    shown = viewer.screenshot(canvas_only=True, flash=False).astype(int)
    lines.visible = False
    change = np.abs(shown - viewer.screenshot(canvas_only=True, flash=False)).sum(axis=2) > 60
    rows, columns = np.nonzero(change)
    assert rows.size > 50
    seen = pores[["centroid_y_px", "centroid_x_px"]].to_numpy()
    extent = seen.max(axis=0) - seen.min(axis=0)
    form = np.ptp(rows) / np.ptp(columns)
    assert form == pytest.approx(extent[0] / extent[1], rel=0.05)
