"""Pores keep their number for as long as they are seen."""

from napari_amseg.measure import PoreLinker


def pores(*places):
    return [{"centroid_y_px": y, "centroid_x_px": x} for y, x in places]


def linked(linker, *places):
    frame = pores(*places)
    linker.link(frame)
    return [p["track_id"] for p in frame]


def test_nearest_pores_are_paired():
    linker = PoreLinker(max_step_px=5)
    assert linked(linker, (10, 10), (10, 20)) == [0, 1]
    assert linked(linker, (10, 22), (11, 11)) == [1, 0]


def test_a_far_pore_is_a_new_one_and_never_steals_a_near_pair():
    linker = PoreLinker(max_step_px=5)
    linked(linker, (10, 10), (10, 14))
    assert linked(linker, (10, 14), (50, 50)) == [1, 2]


def test_empty_frames():
    linker = PoreLinker(max_step_px=5)
    assert linked(linker) == []
    assert linked(linker, (1, 1)) == [0]
    assert linked(linker) == []
    assert linked(linker, (1, 1)) == [1]
