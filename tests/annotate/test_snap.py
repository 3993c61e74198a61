import numpy as np
import pytest
import tifffile
from scipy import ndimage
from skimage.morphology import skeletonize

from napari_amseg import read_stack
from napari_amseg.annotate.snap import SnapSettings, snap_to_edge
from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate


def iou(found, truth, known=True):
    return float((found & truth & known).sum() / ((found | truth) & known).sum())


def parts(mask, least_px=30):
    numbered, n = ndimage.label(mask, np.ones((3, 3)))
    areas = np.bincount(numbered.ravel())
    return [numbered == i for i in range(1, n + 1) if areas[i] >= least_px]


def line_within(mask, rng):
    """A rough line along the middle of an object: off by a pixel, its ends missing."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    y, x = np.nonzero(skeletonize(mask & (depth > 0.45 * ndimage.maximum_filter(depth, 15))))
    order = np.argsort(y if np.ptp(y) >= np.ptp(x) else x)
    order = order[len(order) // 10 : len(order) - len(order) // 10]
    line = np.zeros_like(mask)
    dy, dx = rng.integers(-1, 2, 2)
    line[np.clip(y[order] + dy, 0, None), np.clip(x[order] + dx, 0, None)] = True
    return ndimage.binary_dilation(line, np.ones((2, 2)))


def disc(shape, centre, radius):
    y, x = np.ogrid[: shape[0], : shape[1]]
    return np.hypot(y - centre[0], x - centre[1]) <= radius


@pytest.fixture
def scene(rng):
    """A bright disc of radius 12 on noise, with a dark rim, and the truth."""
    truth = disc((120, 160), (60, 70), 12)
    rim = disc((120, 160), (60, 70), 14) & ~truth
    image = ndimage.gaussian_filter(100 + 60.0 * truth - 30 * rim, 0.8)
    return image + rng.normal(0, 6, image.shape), truth


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("dark", [False, True])
def test_a_line_grows_to_a_disc_bright_or_dark(scene, dtype, dark):
    image, truth = scene
    image = (255 - image if dark else image).clip(0, 255).astype(dtype)
    scribble = np.zeros_like(truth)
    scribble[60, 64:76] = True
    assert iou(snap_to_edge(image, scribble), truth) > 0.9


def test_a_blob_that_overshoots_shrinks(scene):
    image, truth = scene
    scribble = disc(truth.shape, (61, 71), 14)
    assert iou(snap_to_edge(image, scribble), truth) > 0.85


def test_pixels_of_another_class_stay_out(scene):
    image, truth = scene
    scribble = np.zeros_like(truth)
    scribble[60, 64:68] = True
    outside = np.zeros_like(truth)
    outside[40:80, 72] = True
    found = snap_to_edge(image, scribble, outside=outside)
    assert not (found & outside).any()
    assert found[60, 66]


def test_strokes_all_around_are_the_remedy_for_a_faint_object(rng):
    truth = disc((120, 160), (60, 70), 12)
    image = np.where(truth, 104.0, 100.0) + rng.normal(0, 8, truth.shape)
    scribble = disc(truth.shape, (60, 70), 5)
    with pytest.raises(ValueError, match="no edge found"):
        snap_to_edge(image, scribble)
    around = disc(truth.shape, (60, 70), 19) & ~disc(truth.shape, (60, 70), 17)
    found = snap_to_edge(image, scribble, outside=around)
    assert iou(found, truth) > 0.6
    assert not (found & around).any()


def test_a_barrier_of_one_pixel_closes_an_open_mouth(rng):
    truth = np.zeros((120, 160), bool)
    truth[40:80, 70:86] = True
    image = np.where(truth, 150.0, 90.0)
    image[:40] = 150  # gas as bright as the keyhole
    image += rng.normal(0, 6, image.shape)
    scribble = np.zeros_like(truth)
    scribble[45:75, 77:79] = True
    barrier = np.zeros_like(truth)
    barrier[39] = True
    assert iou(snap_to_edge(image, scribble, barrier=barrier), truth) > 0.9


def test_where_there_is_no_edge_it_refuses(rng):
    image = 100 + rng.normal(0, 5, (120, 160))
    scribble = np.zeros(image.shape, bool)
    scribble[60, 50:70] = True
    with pytest.raises(ValueError, match="Add a stroke of the class around it"):
        snap_to_edge(image, scribble)
    snap_to_edge(image, scribble, settings=SnapSettings(least_contrast=0))


def test_nothing_lies_beyond_a_thin_barrier_whatever_the_noise():
    y, x = np.mgrid[:160, :200]
    keyhole, gas = (abs(x - 100) < 8) & (y > 40) & (y < 110), y <= 40
    scribble, barrier = np.zeros(gas.shape, bool), np.zeros(gas.shape, bool)
    scribble[60:100, 100], barrier[40] = True, True
    for seed in range(4):
        noise = np.random.default_rng(seed).normal(0, 6, gas.shape)
        image = np.where(keyhole | gas, 60, 120) + noise
        found = snap_to_edge(image, scribble, barrier=barrier)
        assert not found[:41].any()


@pytest.mark.parametrize("height", [512, 300])
def test_an_object_larger_than_the_first_window_is_found(rng, height):
    truth = disc((height, 600), (height / 2, 300), 90)
    image = np.where(truth, 150.0, 90.0) + rng.normal(0, 6, truth.shape)
    scribble = disc(truth.shape, (height / 2, 300), 8)
    assert iou(snap_to_edge(image, scribble), truth) > 0.95


def test_an_object_at_the_edge_of_the_frame_is_found(rng):
    truth = disc((120, 160), (4, 80), 14)
    image = np.where(truth, 150.0, 90.0) + rng.normal(0, 6, truth.shape)
    scribble = np.zeros_like(truth)
    scribble[4, 72:88] = True
    assert iou(snap_to_edge(image, scribble), truth) > 0.85


def test_shapes_and_empty_scribbles_are_explained():
    image = np.zeros((20, 30))
    with pytest.raises(ValueError, match="nothing is scribbled"):
        snap_to_edge(image, np.zeros((20, 30), bool))
    with pytest.raises(ValueError, match="same frame"):
        snap_to_edge(image, np.ones((20, 20), bool))


def test_keyholes_and_pores_of_the_phantom(rng):
    phantom = simulate(PhantomSettings(n_frames=40, powder_layer_um=0, old_pores=4, seed=5))
    scores = {Label.KEYHOLE: [], Label.PORE: []}
    for t in (12, 20, 28, 36):
        image, labels = phantom.stack[t], phantom.labels[t]
        for label, of_label in scores.items():
            for truth in parts(labels == int(label)):
                of_label.append(iou(snap_to_edge(image, line_within(truth, rng)), truth))
    assert min(scores[Label.KEYHOLE]) > 0.8
    assert np.mean(scores[Label.PORE]) > 0.85


def test_real_keyholes_from_rough_lines(real_data, rng):
    stack = read_stack(str(real_data / "ti64_plate" / "299_*.tif"))
    labels = tifffile.imread(real_data / "ti64_plate" / "labels.tif")
    found = [
        iou(snap_to_edge(stack[t], line_within(truth, rng)), truth, labels[t] != 0)
        for t, truth in enumerate(labels == int(Label.KEYHOLE))
    ]
    assert min(found) >= 0.8


def test_real_dark_pores(real_data, rng):
    images = tifffile.imread(real_data / "hpdc" / "images.tif")
    labels = tifffile.imread(real_data / "hpdc" / "labels.tif")
    pores = labels == int(Label.PORE)
    scores = []
    for t in (0, 4, 8, 12):
        for truth in parts(pores[t], least_px=100):
            known = (labels[t] != 0) & ~(pores[t] & ~truth)
            try:
                found = snap_to_edge(images[t], line_within(truth, rng))
            except ValueError:  # among other pores, a faint one cannot be told from scatter
                found = np.zeros_like(truth)
            scores.append(iou(found, truth, known))
    assert np.mean(scores) >= 0.75
    assert np.median(scores) >= 0.8
