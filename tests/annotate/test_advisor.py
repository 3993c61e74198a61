"""The advisor names what is wrong, prefers it, and does not send people to look-alikes."""

import numpy as np
import pytest

from napari_amseg.annotate.advisor import (
    FrameRemarks,
    frame_remarks,
    mean_entropy_bit,
    rank_frames,
)
from napari_amseg.annotate.violations import changes_in_time, frame_shape, frame_violations
from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelScheme

CASTING = LabelScheme.parse("pore=2,background=4")


def sure(n, **uncertain):
    """Remarks of n frames of a sure model; `f12=0.5` makes frame 12 uncertain."""
    return [FrameRemarks(t, uncertainty=uncertain.get(f"f{t}", 0.0)) for t in range(n)]


def advised(remarks, **options):
    return [advice.frame for advice in rank_frames(remarks, **options)]


def test_a_right_frame_has_no_violation(labels):
    assert frame_violations(labels, DEFAULT_SCHEME) == ()


@pytest.mark.parametrize(
    ("part", "code", "kind"),
    [
        (np.s_[12:14, 20:25], Label.SUBSTRATE, "keyhole-closed"),
        (np.s_[2:5, 40:43], Label.PORE, "pore-above-surface"),
        (np.s_[26:30, 30:34], Label.KEYHOLE, "keyhole-parts"),
        (np.s_[3:6, 2:12], Label.SUBSTRATE, "substrate-above-background"),
    ],
)
def test_violations_are_named(labels, part, code, kind):
    labels[part] = code
    found = {violation.kind: violation for violation in frame_violations(labels, DEFAULT_SCHEME)}
    assert 0 < found[kind].weight <= 1
    assert found[kind].reason


def test_a_casting_is_asked_nothing_about_keyholes(labels):
    casting = np.where(labels == Label.PORE, Label.PORE, Label.BACKGROUND).astype(np.uint8)
    remarks = [frame_remarks(t, casting, CASTING) for t in range(6)]
    assert all(remark.violations == () for remark in remarks)
    assert len(rank_frames(remarks)) == 6


def changes(frames):
    shapes = [frame_shape(frame, DEFAULT_SCHEME) for frame in frames]
    found = changes_in_time(range(len(frames)), shapes)
    return {t: [v.kind for v in violations] for t, violations in found.items()}


def test_a_depth_jump_is_found_where_it_is(labels, rng):
    frames = []
    for _ in range(30):
        frame = labels.copy()
        frame[21 : 21 + rng.integers(0, 3), 20:25] = Label.KEYHOLE  # as a keyhole fluctuates
        frames.append(frame)
    assert changes(frames) == {}
    frames[17][21:31, 20:25] = Label.KEYHOLE
    assert changes(frames) == {17: ["depth-jump"]}


def test_a_keyhole_that_drops_out_differs_from_a_laser_switched_off(labels):
    closed = np.where(labels == Label.KEYHOLE, Label.SUBSTRATE, labels).astype(np.uint8)
    large = labels.copy()
    large[12:24, 16:30] = Label.KEYHOLE
    frames = [closed] * 12 + [large] * 20 + [closed] * 8
    assert changes(frames) == {}
    frames[20] = closed
    assert changes(frames) == {20: ["class-gone"]}
    frames[20], frames[3] = large, large
    assert changes(frames) == {3: ["class-appears"]}


def test_entropy_has_its_known_values():
    def of(p):
        return mean_entropy_bit(np.full((4, 5), round(255 * p), np.uint8))

    assert of(1) == pytest.approx(0, abs=1e-6)
    assert of(0.9) == pytest.approx(0.469, abs=0.01)
    assert of(0.5) == pytest.approx(1, abs=0.01)
    assert of(0.25) == pytest.approx(2, abs=0.03)


def test_the_most_uncertain_frame_comes_first():
    first, *_ = rank_frames(sure(100, f63=0.8, f20=0.3))
    assert first.frame == 63
    assert "IoU of 0.20" in first.reasons[0]


def test_doubt_of_the_network_counts_where_no_cavity_is_doubtful():
    remarks = [FrameRemarks(t, entropy_bit=0.1 if t == 7 else 1e-4 * t) for t in range(40)]
    assert advised(remarks)[0] == 7


def test_corrected_frames_are_left_out_and_their_neighbours_come_late():
    remarks = sure(100, f50=0.6, f51=0.6, f80=0.5)
    assert advised(remarks)[:2] == [50, 80]
    after = advised(remarks, corrected={50}, most=100)
    assert 50 not in after
    assert after[0] == 80
    assert len(after) == 99


def test_without_any_sign_of_error_the_frames_are_spread():
    chosen = sorted(advised(sure(100), most=8))
    assert min(np.diff(chosen)) >= 5
    assert max(np.diff(chosen)) <= 30


def test_what_is_wrong_everywhere_prefers_no_frame(labels):
    closed = labels.copy()
    closed[12:14, 20:25] = Label.SUBSTRATE
    remarks = [
        frame_remarks(t, closed, DEFAULT_SCHEME, uncertainty=0.3 if t == 4 else 0.1)
        for t in range(9)
    ]
    assert advised(remarks)[0] == 4


def test_a_frame_with_a_violation_comes_first(labels):
    closed = labels.copy()
    closed[12:14, 20:25] = Label.SUBSTRATE
    frames = [labels] * 20
    frames[11] = closed
    remarks = [frame_remarks(t, frame, DEFAULT_SCHEME) for t, frame in enumerate(frames)]
    best = rank_frames(remarks)[0]
    assert best.frame == 11
    assert "without an opening" in best.reasons[0]


def test_the_order_of_the_remarks_does_not_matter(rng):
    remarks = [FrameRemarks(t, uncertainty=float(rng.random())) for t in range(0, 200, 3)]
    mixed = [remarks[k] for k in rng.permutation(len(remarks))]
    assert rank_frames(remarks, corrected={9}) == rank_frames(mixed, corrected=[9])


def test_there_may_be_nothing_to_advise():
    assert rank_frames([]) == []
    assert rank_frames(sure(3), corrected={0, 1, 2}) == []
