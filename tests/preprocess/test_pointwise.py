"""Steps work in place on one copy of a frame; a crop goes before them only where that is exact."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile

from napari_amseg.preprocess import Background, Chain, Crop, FlatField, Invert, Normalise
from napari_amseg.preprocess.pointwise import Changed
from napari_amseg.preprocess.repair import filler
from napari_amseg.types import stack_from_array

CROP = Crop.parse("4:28,10:40")
WINDOW = np.s_[4:28, 10:40]


def array(stack):
    return np.stack(list(stack))


def flat_field(tmp_path, rng, dead, **settings):
    """A flat with the dead pixels at `dead`, a second flat and a dark."""
    images = {
        "flat": rng.uniform(2000, 3000, (32, 48)).astype(np.float32),
        "flat_after": rng.uniform(2000, 3000, (32, 48)).astype(np.float32),
        "dark": rng.uniform(90, 110, (32, 48)).astype(np.float32),
    }
    for y, x in dead:
        images["flat"][y, x] = 0
    for name, image in images.items():
        tifffile.imwrite(tmp_path / f"{name}.tif", image)
    return FlatField(**{name: str(tmp_path / f"{name}.tif") for name in images} | settings)


@pytest.mark.parametrize("drifts", [True, False])
@pytest.mark.parametrize(
    ("dead", "exact"),
    [
        ([], True),
        ([(15, 20), (15, 21), (0, 0)], True),  # neighbours inside; the last is cut off
        ([(y, x) for y in range(4, 9) for x in range(8, 14)], False),  # some outside
    ],
)
def test_cropping_first_changes_no_bit(tmp_path, frames, rng, dead, exact, drifts):
    settings = {} if drifts else {"flat_after": None}
    steps = (flat_field(tmp_path, rng, dead, **settings), Background(), Normalise(low=0, high=2))
    full = Chain(steps).apply(stack_from_array(frames))
    cropped = Chain((*steps, CROP)).apply(stack_from_array(frames))
    assert isinstance(cropped.read, Changed) == exact
    np.testing.assert_array_equal(array(cropped), array(full)[:, *WINDOW])


def test_cropping_a_rolling_background_changes_no_bit(frames):
    steps = (Background(window=3), Invert(low=0, high=2))
    full = Chain(steps).apply(stack_from_array(frames))
    cropped = Chain((*steps, CROP)).apply(stack_from_array(frames))
    np.testing.assert_array_equal(array(cropped), array(full)[:, *WINDOW])


@pytest.mark.parametrize("window", [0, 3])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_the_source_is_left_alone_and_threads_agree(tmp_path, frames, rng, dtype, window):
    source = frames.astype(dtype)
    before = source.copy()
    chain = Chain(
        (
            flat_field(tmp_path, rng, [(3, 3)]),
            CROP,
            Background(window=window),
            Invert(),
            Normalise(),
        )
    )
    ready = chain.fit_apply(stack_from_array(source))[1]
    alone = array(ready)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ready.read, [t for t in range(6) for _ in range(5)]))
    np.testing.assert_array_equal(source, before)
    np.testing.assert_array_equal(np.stack(together[::5]), alone)
    together[0][:] = 0  # the caller's own
    np.testing.assert_array_equal(ready[0], alone[0])


def test_a_filler_moves_with_the_crop():
    dead = np.zeros((6, 8), bool)
    dead[2, 3] = dead[5, 7] = True
    fill = filler(dead)
    image = np.arange(48.0).reshape(6, 8)
    full = image.copy()
    fill(full)
    assert full[2, 3] in (11, 18, 20, 27)  # the four neighbours
    part = image[1:5, 2:6].copy()
    fill.within(np.s_[1:5, 2:6])(part)
    np.testing.assert_array_equal(part, full[1:5, 2:6])
    assert fill.within(np.s_[2:3, 3:4]) is None  # the good pixel is cut off
