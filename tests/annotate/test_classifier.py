import json
from dataclasses import replace

import numpy as np
import pytest
import tifffile

from napari_amseg import read_stack
from napari_amseg.annotate.classifier import ClassifierSettings, PixelClassifier
from napari_amseg.annotate.strokes import Stroke, draw_strokes
from napari_amseg.labels import DEFAULT_SCHEME, Label
from napari_amseg.sample import PhantomSettings, simulate
from napari_amseg.types import stack_from_array

SHAPE = (400, 1024)


def iou(found, truth, known=True):
    return float((found & truth & known).sum() / ((found | truth) & known).sum())


def moved(stroke, *, by_px=(0, 0), width_px=None):
    points = tuple((y + by_px[0], x + by_px[1]) for y, x in stroke.points_px)
    return replace(stroke, points_px=points, width_px=width_px or stroke.width_px)


@pytest.fixture(scope="session")
def hand_strokes(repository):
    record = json.loads((repository / "tests" / "data" / "ti64_plate_strokes.json").read_text())
    return [Stroke.from_json(stroke) for stroke in record["strokes"]]


@pytest.fixture
def scribbles(drawn_frames):
    """A few pixels of keyhole, pore, substrate and background on frame 0."""
    truth = drawn_frames[1][0]
    codes = np.zeros_like(truth)
    codes[2:4, 3:40] = truth[2:4, 3:40]
    codes[22:24, 2:40] = truth[22:24, 2:40]
    codes[13:20, 18:27] = truth[13:20, 18:27]
    codes[24:29, 9:14] = truth[24:29, 9:14]
    return codes


SMALL = ClassifierSettings(trees=10, scales=2, smallest_part_px=4, smallest_pore_px=4)


def test_it_learns_one_frame_and_tells_the_others(drawn_frames, scribbles):
    images, truth = drawn_frames
    classifier = PixelClassifier(DEFAULT_SCHEME, SMALL).fit([(images[0], scribbles)])
    assert classifier.codes == (1, 2, 3, 4)
    assert iou(classifier.predict(images[5]) == 1, truth[5] == 1) > 0.8
    labels, confidence = classifier.predict_with_confidence(images[5])
    assert labels.dtype == confidence.dtype == np.uint8
    assert np.median(confidence) > 200


def test_the_same_seed_gives_the_same(drawn_frames, scribbles):
    images = drawn_frames[0]
    first, second = (
        PixelClassifier(DEFAULT_SCHEME, SMALL).fit([(images[0], scribbles)]).predict(images[3])
        for _ in range(2)
    )
    np.testing.assert_array_equal(first, second)


def test_frames_come_one_by_one(drawn_frames, scribbles):
    images, _ = drawn_frames
    reads = []
    stack = stack_from_array(images)
    counted = stack.derived(lambda t: reads.append(t) or stack.read(t), dtype=images.dtype)
    classifier = PixelClassifier(DEFAULT_SCHEME, SMALL).fit([(images[0], scribbles)])
    frames = classifier.predict_frames(counted, [4, 1, 2])
    assert next(frames)[0] == 4
    frames.close()
    assert reads == [4]


def test_what_is_wrong_is_said(drawn_frames, scribbles):
    images, _ = drawn_frames
    classifier = PixelClassifier(DEFAULT_SCHEME, SMALL)
    with pytest.raises(ValueError, match="knows nothing yet"):
        classifier.predict(images[0])
    with pytest.raises(ValueError, match="nothing is scribbled"):
        classifier.fit([(images[0], np.zeros_like(scribbles))])
    with pytest.raises(ValueError, match="keyhole is scribbled: scribble at least two"):
        classifier.fit([(images[0], np.where(scribbles == 1, scribbles, 0))])
    with pytest.raises(ValueError, match="same frame"):
        classifier.fit([(images[0][1:], scribbles)])
    with pytest.raises(ValueError, match="code 9"):
        classifier.fit([(images[0], np.where(scribbles == 1, 9, scribbles).astype(np.uint8))])


def test_strokes_are_round_and_named():
    dot = Stroke("pore", 7, ((10, 12),))
    line = Stroke("keyhole", 3, ((2, 2), (2, 20)))
    codes = draw_strokes([line, dot], (24, 30), DEFAULT_SCHEME)
    assert (codes == Label.PORE).sum() == pytest.approx(np.pi * 3.5**2, rel=0.1)
    assert (codes[:, 10] == Label.KEYHOLE).sum() == 3
    with pytest.raises(ValueError, match="spatter"):
        draw_strokes([replace(dot, class_name="spatter")], (24, 30), DEFAULT_SCHEME)
    with pytest.raises(ValueError, match="not readable"):
        Stroke.from_json({"class": "pore", "width_px": 2})


def test_the_phantom_with_pores_from_strokes_on_two_frames():
    phantom = simulate(PhantomSettings(n_frames=40, powder_layer_um=0, inverted=True, seed=7))

    def sample(t):
        """Inside each class well away from its edges, and thin lines beside the cavities."""
        from scipy import ndimage

        truth = phantom.labels[t]
        codes = np.zeros_like(truth)
        for label, least_px in ((Label.KEYHOLE, 4), (Label.PORE, 3)):
            inside = ndimage.distance_transform_edt(truth == int(label)) >= least_px
            codes[inside] = label
        cavity = np.isin(truth, (Label.KEYHOLE, Label.PORE))
        beside = ndimage.distance_transform_edt(~cavity)
        codes[(beside >= 4) & (beside < 6)] = truth[(beside >= 4) & (beside < 6)]
        codes[::40, 20:-20:3] = np.where(cavity, 0, truth)[::40, 20:-20:3]
        return phantom.stack[t], codes

    classifier = PixelClassifier(DEFAULT_SCHEME).fit(map(sample, (10, 25)))
    frames = (14, 20, 30, 36)
    truth = np.stack([phantom.labels[t] for t in frames])
    found = np.stack([labels for _, labels in classifier.predict_frames(phantom.stack, frames)])
    assert iou(found == Label.KEYHOLE, truth == Label.KEYHOLE) > 0.85
    assert iou(found == Label.PORE, truth == Label.PORE) > 0.75


@pytest.mark.parametrize(
    ("change", "least"),
    [
        ({}, 0.80),
        pytest.param({"width_px": 1}, 0.75, marks=pytest.mark.slow),
        pytest.param({"by_px": (2, 3), "width_px": 2}, 0.75, marks=pytest.mark.slow),
        ({"by_px": (-1, -3), "width_px": 2}, 0.75),
    ],
    ids=["as drawn", "thinner", "moved right", "moved left"],
)
def test_real_keyhole_from_strokes_on_one_frame(real_data, hand_strokes, change, least):
    stack = read_stack(str(real_data / "ti64_plate" / "299_*.tif"))
    labels = tifffile.imread(real_data / "ti64_plate" / "labels.tif")
    codes = draw_strokes([moved(s, **change) for s in hand_strokes], SHAPE, DEFAULT_SCHEME)
    classifier = PixelClassifier(DEFAULT_SCHEME).fit([(stack[0], codes)])
    scores = [
        iou(found == Label.KEYHOLE, labels[t] == Label.KEYHOLE, labels[t] != 0)
        for t, found in classifier.predict_frames(stack)
    ]
    assert scores[0] >= least
    assert np.mean(scores[1:]) >= least


def test_without_clean_up_specks_spoil_it(real_data, hand_strokes):
    stack = read_stack(str(real_data / "ti64_plate" / "299_*.tif"))
    truth = tifffile.imread(real_data / "ti64_plate" / "labels.tif")[0]
    codes = draw_strokes(hand_strokes, SHAPE, DEFAULT_SCHEME)
    raw = PixelClassifier(DEFAULT_SCHEME, ClassifierSettings(clean_up=False))
    found = raw.fit([(stack[0], codes)]).predict(stack[0])
    assert iou(found == Label.KEYHOLE, truth == Label.KEYHOLE, truth != 0) < 0.8
