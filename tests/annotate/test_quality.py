"""Slips put into a sound frame are found where they are; sound frames give no finding."""

from __future__ import annotations

import numpy as np
import pytest

from napari_amseg.annotate.quality import frame_findings
from napari_amseg.labels import DEFAULT_SCHEME, Label, LabelClass, LabelScheme
from napari_amseg.sample import PhantomSettings, simulate

CASTING = DEFAULT_SCHEME.subset(("pore", "background"))


def found(labels, scheme=DEFAULT_SCHEME):
    return {finding.kind: finding for finding in frame_findings(labels, scheme)}


def test_a_sound_frame_has_no_finding(labels):
    assert frame_findings(labels, DEFAULT_SCHEME) == []


def test_no_false_alarm_on_the_phantom():
    """Tilted surface, hump, powder, pores and spatter are no slips."""
    settings = PhantomSettings(n_frames=12, surface_tilt_deg=3.0, seed=2)
    for truth in simulate(settings).labels:
        assert [f for f in frame_findings(truth, DEFAULT_SCHEME) if f.severity == "warning"] == []


def test_unlabelled_pixels_are_counted_and_placed(labels):
    labels[2:4, 5:10] = 0
    labels[30, 40] = 0
    finding = found(labels)["unlabelled"]
    assert finding.severity == "note"
    assert "11 pixels" in finding.message
    assert "in 2 places (rows 2 to 30, columns 5 to 40)" in finding.message
    assert finding.positions == ((2, 5), (30, 40))


def test_a_frame_without_labels_is_only_that():
    (finding,) = frame_findings(np.zeros((8, 9), np.uint8), DEFAULT_SCHEME)
    assert finding.message == "no pixel is labelled"


def test_one_pixel_islands_of_any_class_also_in_corners(labels):
    labels[0, 0] = Label.POWDER
    labels[30, 5] = Label.PORE
    labels[20, 40] = labels[21, 41] = Label.PORE  # two pixels, connected by a corner
    finding = found(labels)["one-pixel-island"]
    assert finding.positions == ((0, 0), (30, 5))
    assert finding.severity == "warning"


def test_a_keyhole_below_the_surface_is_closed(labels):
    labels[12:15, 20:25] = Label.SUBSTRATE
    assert found(labels)["keyhole-closed"].positions == ((15, 20),)
    labels[12:15, 20:25] = 0  # nobody said what is there
    assert "keyhole-closed" not in found(labels)


def test_a_keyhole_may_open_into_powder_or_out_of_the_frame(labels):
    labels[:12] = Label.POWDER
    labels[0] = Label.BACKGROUND
    assert "keyhole-closed" not in found(labels)
    labels[:12, 20:25] = Label.KEYHOLE
    assert "keyhole-closed" not in found(labels)


def test_parts_of_a_keyhole_beside_the_largest(labels):
    labels[24:27, 30:33] = Label.KEYHOLE
    kinds = found(labels)
    assert kinds["keyhole-parts"].positions == kinds["keyhole-closed"].positions == ((24, 30),)
    assert kinds["keyhole-parts"].severity == "note"


def test_a_pore_above_the_surface(labels):
    labels[5:8, 40:43] = Label.PORE
    finding = found(labels)["pore-above-surface"]
    assert finding.positions == ((5, 40),)
    assert "1 pore above" in finding.message


def test_a_pore_that_touches_the_keyhole_by_a_corner(labels):
    labels[21:23, 25:27] = Label.PORE
    finding = found(labels)["pore-at-keyhole"]
    assert finding.positions == ((21, 25),)
    assert finding.severity == "note"


def test_background_below_substrate(labels):
    labels[20:22, 40:44] = Label.BACKGROUND
    finding = found(labels)["substrate-above-background"]
    assert "8 pixels in 1 place" in finding.message
    assert finding.positions == ((20, 40),)


def test_codes_of_no_class(labels):
    labels[4, 4:6] = 9
    finding = found(labels)["unknown-code"]
    assert "code 9 (2 pixels)" in finding.message
    assert finding.positions == ((4, 4),)


def test_a_missing_layer_but_not_a_missing_keyhole_or_powder(labels):
    labels[labels == Label.SUBSTRATE] = Label.BACKGROUND
    labels[labels == Label.KEYHOLE] = Label.BACKGROUND
    assert set(found(labels)) == {"missing-class"}
    assert found(labels)["missing-class"].message == "no substrate in the frame"


def test_a_scheme_without_substrate_is_asked_nothing_about_it():
    labels = np.full((20, 30), Label.BACKGROUND, np.uint8)
    labels[3:6, 3:6] = Label.PORE
    assert frame_findings(labels, CASTING) == []


def test_goes_by_roles_not_by_codes(labels):
    moved = LabelScheme(
        tuple(
            LabelClass(c.code + 40, c.name.upper(), c.color, c.role) for c in DEFAULT_SCHEME.classes
        )
    )
    labels[15, 40] = Label.PORE
    assert frame_findings(labels + 40, moved)[0].kind == "one-pixel-island"


def test_warnings_come_first_and_positions_are_few(labels):
    labels[::2, ::2] = 0
    labels[14::4, 1::4] = Label.POWDER
    findings = frame_findings(labels, DEFAULT_SCHEME)
    severities = [finding.severity for finding in findings]
    assert severities == sorted(severities, reverse=True)
    assert all(len(finding.positions) <= 100 for finding in findings)


def test_a_stack_is_refused(labels):
    with pytest.raises(ValueError, match=r"expected one frame"):
        frame_findings(labels[None], DEFAULT_SCHEME)
