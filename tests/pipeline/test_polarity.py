"""Whether the remark on dark keyholes and pores is made, and only then."""

import numpy as np
import pytest
import tifffile

from napari_amseg.dataset import add_frames, create_benchmark, load_split, open_benchmark
from napari_amseg.dataset.inputs import InputFrames
from napari_amseg.io import read_stack
from napari_amseg.labels import Label, LabelScheme
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import evaluate as module
from napari_amseg.pipeline.evaluate import EvaluateRequest, evaluate
from napari_amseg.pipeline.polarity import polarity_notes
from napari_amseg.preprocess import Chain, Invert, Normalise
from napari_amseg.types import Experiment

NAMES = ("keyhole", "pore")


def notes(benchmark, *steps, iou=0.0):
    inputs = InputFrames(benchmark, Chain((*steps, Normalise())), benchmark.frames)
    return polarity_notes(dict.fromkeys(NAMES, iou), inputs, benchmark.frames)


def test_only_what_is_missed_and_dark_is_told(drawn_benchmark):
    """The drawn keyholes and pores are bright."""
    benchmark = open_benchmark(drawn_benchmark)
    assert notes(benchmark) == ()
    (note,) = notes(benchmark, Invert())
    assert note.startswith("keyhole and pore: IoU below 0.05")
    assert "amseg preprocess --invert" in note
    assert notes(benchmark, Invert(), iou=0.1) == ()


def test_what_cannot_be_seen_is_not_called_dark(drawn_benchmark, rng):
    benchmark = open_benchmark(drawn_benchmark)
    for frame in benchmark.frames:
        noise = rng.integers(0, 255, benchmark.shape(frame), np.uint8)
        tifffile.imwrite(benchmark.image_path(frame), noise)
    assert notes(benchmark) == ()


def test_an_evaluation_tells_it(drawn_benchmark, tmp_path, monkeypatch):
    """A model that sees nothing in inverted frames."""
    benchmark = open_benchmark(drawn_benchmark)
    for frame in benchmark.frames:
        image = tifffile.imread(benchmark.image_path(frame))
        tifffile.imwrite(benchmark.image_path(frame), image.max() - image)
    monkeypatch.setattr(
        module,
        "predicted",
        lambda inputs, frames, engine, settings: (
            (f, np.full(benchmark.shape(f), Label.SUBSTRATE, np.uint8)) for f in frames
        ),
    )
    split = load_split(benchmark, "listed")
    request = EvaluateRequest(benchmark, split, "test", load_bundle("fast"), tmp_path / "scores")
    assert any("darker than what is around" in note for note in evaluate(request)["notes"])


@pytest.mark.parametrize(
    ("images", "truth", "codes", "dark"),
    [
        ("hpdc/images.tif", "hpdc/labels.tif", "pore=2,background=4", ["pore"]),
        ("ti64_plate/299*.tif", "ti64_plate/labels.tif", None, []),
    ],
)
def test_casting_is_dark_and_a_keyhole_weld_is_not(real_data, tmp_path, images, truth, codes, dark):
    folder = create_benchmark(tmp_path / "b", *([LabelScheme.parse(codes)] if codes else []))
    with read_stack(str(real_data / images)) as stack, read_stack(real_data / truth) as labels:
        benchmark = add_frames(folder, stack, labels, Experiment(experiment="real"))
    assert [note.partition(":")[0] for note in notes(benchmark)] == dark
    assert [note.partition(":")[0] for note in notes(benchmark, Invert())] != dark
