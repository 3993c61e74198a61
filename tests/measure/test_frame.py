"""The definitions of the contract, on drawn frames whose numbers are known by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelScheme
from napari_amseg.measure import FRAME_COLUMNS, PORE_COLUMNS, Measurements, measure_frame
from napari_amseg.types import Experiment, stack_from_array

UNITS = Experiment(pixel_size_um=2.0, frame_rate_hz=50_000)


def row(labels, **more):
    return measure_frame(labels, **more).row


def flat(height=40, width=60, surface=12):
    labels = np.full((height, width), Label.BACKGROUND, np.uint8)
    labels[surface:] = Label.SUBSTRATE
    return labels


def test_flat_surface(labels):
    measured = row(labels, frame=5, experiment=UNITS)
    assert measured["keyhole_area_px"] == 45
    assert measured["keyhole_area_um2"] == 180
    assert measured["keyhole_depth_px"] == pytest.approx(9, abs=1e-9)
    assert measured["keyhole_depth_um"] == pytest.approx(18, abs=1e-9)
    assert measured["time_s"] == pytest.approx(1e-4)
    assert (measured["keyhole_left_px"], measured["keyhole_right_px"]) == (20, 24)
    assert (measured["pore_count"], measured["pore_area_px"]) == (1, 9)
    assert measured["pore_max_equivalent_diameter_um"] == pytest.approx(2 * math.sqrt(36 / math.pi))
    assert measured["flags"] == ""


def test_without_pixel_size_and_rate_there_are_no_um_and_no_s(labels):
    measured = row(labels)
    assert measured["keyhole_depth_px"] == pytest.approx(9)
    for column in ("time_s", "keyhole_area_um2", "keyhole_depth_um", "pore_area_um2"):
        assert measured[column] is None


def test_depth_counts_from_the_surface_not_from_the_keyholes_top():
    labels = flat()
    labels[5:20, 30:34] = Label.KEYHOLE  # opens above the surface, in the hump
    assert row(labels)["keyhole_depth_px"] == pytest.approx(8)
    labels = flat()
    labels[15:20, 30:34] = Label.KEYHOLE  # closed at the top
    assert row(labels)["keyhole_depth_px"] == pytest.approx(8)


@pytest.mark.parametrize("tilt_deg", [-10, -3, 0, 3, 10])
def test_tilted_surface(tilt_deg):
    """Depth is vertical, from the line: a keyhole that follows the tilt has one depth."""
    height, width, depth = 200, 300, 40
    slope = math.tan(math.radians(tilt_deg))
    y, x = np.mgrid[:height, :width] + 0.5
    below = y - (80 + slope * (x - width / 2))
    labels = np.where(below >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[(below >= 0) & (below < depth) & (abs(x - 140) < 15)] = Label.KEYHOLE
    measured = row(labels)
    assert measured["keyhole_depth_px"] == pytest.approx(depth, abs=0.75)
    assert measured["surface_tilt_deg"] == pytest.approx(tilt_deg, abs=0.05)
    assert measured["surface_y_px"] == pytest.approx(80, abs=0.25)


def test_surface_is_robust_against_wrong_columns(rng):
    labels = flat(width=200)
    labels[12:32, 90:100] = Label.KEYHOLE
    labels[4:12, 20:50] = Label.SUBSTRATE  # a blob of spatter on the plate
    labels[12:18, 150:170] = Label.POWDER
    assert row(labels)["keyhole_depth_px"] == pytest.approx(20, abs=1e-6)


def test_a_surface_that_columns_do_not_agree_on_is_flagged():
    labels = flat(width=200)
    labels[12:32, 90:100] = Label.KEYHOLE
    assert row(labels)["flags"] == ""
    labels[2:12, :80] = Label.SUBSTRATE
    assert row(labels)["flags"] == "surface uncertain"


def test_unlabelled_columns_say_nothing_about_the_surface():
    labels = flat(width=60)
    labels[8:30, 0:25] = 0
    labels[12:20, 40:45] = Label.KEYHOLE
    assert row(labels)["keyhole_depth_px"] == pytest.approx(8, abs=1e-9)


def test_no_keyhole():
    measured = row(flat(), experiment=UNITS)
    assert measured["keyhole_area_px"] == 0
    assert measured["keyhole_area_um2"] == 0
    assert measured["keyhole_depth_px"] is None
    assert measured["keyhole_depth_um"] is None


def test_no_substrate_gives_the_row_extent_and_a_flag():
    labels = np.zeros((30, 40), np.uint8)
    labels[5:17, 10:14] = Label.KEYHOLE
    measured = row(labels)
    assert measured["keyhole_depth_px"] == 12
    assert measured["flags"] == "no surface"


def test_keyhole_touching_the_border():
    labels = flat()
    labels[12:40, 0:4] = Label.KEYHOLE
    measured = row(labels)
    assert measured["keyhole_depth_px"] == pytest.approx(28)
    assert measured["flags"] == "keyhole at border; keyhole cut off"
    labels[39, 0:4] = Label.SUBSTRATE
    assert row(labels)["flags"] == "keyhole at border"


def test_a_frame_that_ends_in_the_keyhole_says_so():
    labels = flat(width=200)
    labels[12:30, 90:100] = Label.KEYHOLE
    assert row(labels[:31])["flags"] == ""
    assert row(labels[:30])["flags"] == "keyhole cut off"
    cut = row(labels[:25])
    assert (cut["keyhole_depth_px"], cut["flags"]) == (13, "keyhole cut off")


def test_a_frame_that_begins_below_the_surface_says_so():
    labels = flat(width=200)
    labels[12:30, 90:100] = Label.KEYHOLE
    assert row(labels[11:])["flags"] == ""
    cut = row(labels[20:])
    assert (cut["keyhole_depth_px"], cut["flags"]) == (10, "surface cut off")
    few = labels[20:].copy()
    few[:3, 20:40] = Label.BACKGROUND  # a wrong patch is no surface
    assert row(few)["flags"].split("; ")[-1] == "surface cut off"
    assert row(np.where(labels[20:] == Label.KEYHOLE, Label.SUBSTRATE, labels[20:]))["flags"] == ""


@pytest.mark.parametrize(("at", "depth"), [(40, 30), (250, 30)])
def test_a_tilted_surface_that_leaves_the_frame_is_still_the_surface(at, depth):
    """Where the line goes on above the frame, metal in the first row is what it foretells."""
    y, x = np.mgrid[:120, :300] + 0.5
    below = y - (10 - 0.1 * (x - 150))
    labels = np.where(below >= 0, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[(below >= 0) & (below < depth) & (abs(x - at) < 10)] = Label.KEYHOLE
    measured = row(labels)
    assert measured["flags"] == ""
    assert measured["keyhole_depth_px"] == pytest.approx(depth, abs=1)


def test_notes_say_in_how_many_frames_the_depth_is_cut_short():
    labels = flat(width=200)
    labels[12:30, 90:100] = Label.KEYHOLE
    measurements = Measurements(UNITS)
    for t, frame in enumerate([labels, labels[20:], labels[15:25], flat()]):
        measurements.append(row(frame, frame=t))
    surface, keyhole = measurements.notes()
    assert surface.startswith("in 2 of 3 frames with a keyhole the substrate reaches the first row")
    assert keyhole.startswith("in 1 of 3 frames with a keyhole the keyhole reaches the last row")
    few = Measurements(UNITS)
    for t in range(30):
        few.append(row(labels[:25] if t < 2 else labels, frame=t))
    assert few.notes() == ()


def test_a_keyhole_without_a_mouth_at_the_surface_says_so():
    """Its depth, as defined, is then larger than the keyhole: powder fell in, or it is closed."""
    labels = flat(width=200)
    labels[18:30, 90:100] = Label.KEYHOLE
    closed = row(labels)
    assert (closed["keyhole_depth_px"], closed["keyhole_height_px"]) == (18, 12)
    assert closed["flags"] == "keyhole below surface"
    measurements = Measurements(UNITS)
    measurements.append(closed)
    (note,) = measurements.notes()
    assert note.startswith(
        "in 1 of 1 frames with a keyhole the keyhole begins more than 5 px below"
    )
    labels[17, 90:100] = Label.KEYHOLE  # drawn a few pixels too low
    assert row(labels)["flags"] == ""
    labels[17:20, 90:100] = Label.SUBSTRATE  # pinched off, with an open part above
    labels[12:16, 90:100] = Label.KEYHOLE
    assert row(labels)["flags"] == "keyhole in parts"
    labels[12:16, 90:100] = Label.SUBSTRATE
    labels[12, 150] = Label.KEYHOLE  # a stray pixel elsewhere is no mouth
    assert "keyhole below surface" in row(labels)["flags"]


def test_a_mouth_above_the_frame_is_not_missed():
    y, x = np.mgrid[:96, :320]
    labels = np.where(y >= 20 - 0.1 * x, Label.SUBSTRATE, Label.BACKGROUND).astype(np.uint8)
    labels[:43, 265:275] = Label.KEYHOLE  # the surface leaves the frame at column 200
    assert "below" not in row(labels)["flags"]


def test_two_keyhole_parts_all_count_for_area_the_largest_for_depth():
    labels = flat()
    labels[12:20, 30:34] = Label.KEYHOLE
    labels[30:33, 31:33] = Label.KEYHOLE
    measured = row(labels)
    assert measured["keyhole_area_px"] == 32 + 6
    assert measured["keyhole_depth_px"] == pytest.approx(8)
    assert measured["keyhole_parts_px"] == 6
    assert "parts" in measured["flags"]


def test_diagonal_neighbours_are_one_keyhole():
    labels = flat()
    labels[12:16, 30:34] = Label.KEYHOLE
    labels[16:20, 34:36] = Label.KEYHOLE
    assert row(labels)["keyhole_depth_px"] == pytest.approx(8)


def test_a_keyhole_across_the_whole_frame_leaves_no_surface():
    labels = flat()
    labels[12:20, :] = Label.KEYHOLE
    assert row(labels)["flags"].startswith("no surface")
    assert row(labels)["keyhole_depth_px"] == 8


def test_pore_on_the_border_and_diagonal_pores():
    labels = flat()
    labels[38:40, 0:3] = Label.PORE
    labels[25, 20] = labels[26, 21] = Label.PORE  # 8-connected: one pore
    measured = measure_frame(labels, experiment=UNITS)
    assert [p["area_px"] for p in measured.pores] == [2, 6]
    assert measured.row["pore_count"] == 2
    assert measured.pores[1]["centroid_x_px"] == pytest.approx(1)
    assert measured.pores[1]["centroid_y_px"] == pytest.approx(38.5)
    assert measured.pores[1]["depth_um"] == pytest.approx(2 * (39 - 12))
    assert measured.pores[0]["circularity"] is None


def test_empty_frame():
    measured = measure_frame(np.zeros((10, 10), np.uint8), experiment=UNITS)
    assert tuple(measured.row) == FRAME_COLUMNS
    assert measured.row["keyhole_area_px"] == measured.row["pore_count"] == 0
    assert measured.pores == []


def test_disc_has_area_pi_r2_and_is_round():
    y, x = np.mgrid[:101, :101]
    labels = np.full((101, 101), Label.SUBSTRATE, np.uint8)
    labels[(y - 50) ** 2 + (x - 50) ** 2 <= 20**2] = Label.PORE
    (pore,) = measure_frame(labels).pores
    assert pore["area_px"] == pytest.approx(math.pi * 400, rel=0.01)
    assert pore["equivalent_diameter_px"] == pytest.approx(40, rel=0.01)
    assert pore["circularity"] > 0.95
    labels[:] = Label.SUBSTRATE
    labels[50:53, 10:90] = Label.PORE
    assert measure_frame(labels).pores[0]["circularity"] < 0.2


def test_small_pores_can_be_dropped(labels):
    from napari_amseg.measure import MeasureSettings

    labels[30, 40] = Label.PORE
    assert row(labels)["pore_count"] == 2
    assert row(labels, settings=MeasureSettings(min_pore_area_px=2))["pore_count"] == 1


def test_specks_need_not_count_as_a_keyhole(labels):
    from napari_amseg.measure import MeasureSettings

    labels[labels == Label.KEYHOLE] = Label.SUBSTRATE
    labels[20, 20] = Label.KEYHOLE
    assert row(labels)["keyhole_area_px"] == 1
    measured = row(labels, settings=MeasureSettings(min_keyhole_area_px=5))
    assert (measured["keyhole_area_px"], measured["keyhole_depth_px"]) == (0, None)


def test_other_codes_are_measured_by_their_role(labels):
    scheme = LabelScheme.parse("keyhole=9,pore=7,substrate=5,gas=3")
    other = np.select(
        [labels == code for code in (Label.KEYHOLE, Label.PORE, Label.SUBSTRATE, Label.BACKGROUND)],
        [9, 7, 5, 3],
    ).astype(np.uint8)
    ours, theirs = row(labels), row(other, scheme=scheme)
    assert ours == theirs


def test_unknown_codes_are_refused(labels):
    from napari_amseg import measure_stack

    labels[0, 0] = 77
    with pytest.raises(ValueError, match="77"):
        list(measure_stack(labels[None]))


def test_a_scheme_without_keyhole_measures_pores():
    scheme = DEFAULT_SCHEME.subset(["pore", "background"])
    labels = np.full((20, 20), Label.BACKGROUND, np.uint8)
    labels[5:8, 5:8] = Label.PORE
    assert row(labels, scheme=scheme)["pore_area_px"] == 9


def test_measure_stack_numbers_frames_and_pores_are_followed(labels):
    from napari_amseg import measure_stack

    moved = np.roll(labels, 3, axis=1)
    stack = stack_from_array(np.stack([labels, moved, *[moved * 0] * 3, labels]))
    found = Measurements(Experiment())
    for t, result in enumerate(measure_stack(stack)):
        assert result.frame == t
        found.append(result.row, result.pores)
    pores = found.pores()
    assert tuple(pores.columns) == PORE_COLUMNS
    assert pores["frame"].tolist() == [0, 1, 5]
    assert pores["track_id"].tolist() == [0, 0, 1]  # three empty frames are more than a gap
    assert found.tracks()["n_frames"].tolist() == [2, 1]
