"""What is compared is checked before any training, and stays what it was."""

from __future__ import annotations

from dataclasses import replace

import pytest
import tifffile

from napari_amseg.compare import CompareRequest, CompareSettings
from napari_amseg.compare.plan import read_plan
from napari_amseg.compare.prepare import make_plan
from napari_amseg.dataset import listed_split, open_benchmark, save_split
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.train import TrainSettings


@pytest.fixture
def request_(drawn_benchmark, tmp_path):
    return CompareRequest(drawn_benchmark, tmp_path / "out", ("unet", "amsegnet"), filters=2)


@pytest.fixture
def plan(request_):
    """The plan of the request, as read back from its folder."""
    made, _ = make_plan(request_)
    made.write(request_.folder)
    assert read_plan(request_.folder) == made
    return made


def grown(plan, request):
    return plan.grown(make_plan(request)[0], request.folder)


def test_repeats_become_the_seeds_of_a_training():
    settings = CompareSettings(repeats=5, draws=7, epochs=3)
    assert settings.training(2) == TrainSettings(draws=7, seed=2, epochs=3)


def test_first_repeats_of_all_networks_come_first(plan, request_):
    runs = plan.runs(request_.folder)
    names = ["unet-0", "amsegnet-0", "unet-1", "amsegnet-1", "unet-2", "amsegnet-2"]
    assert [run.folder.name for run in runs] == names
    training = plan.training(runs[2], resume=False)
    assert (training.architecture, training.settings.seed) == ("unet", 1)
    assert training.arguments == {"filters": 2}


def test_networks_and_repeats_may_be_added_networks_left_out_stay(plan, request_):
    more = replace(
        request_, architectures=("resunet",), settings=replace(request_.settings, repeats=4)
    )
    both = grown(plan, more)
    assert both.networks == ("unet", "amsegnet", "resunet")
    assert both.settings.repeats == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"filters": 3}, "filters is 3, but the comparison in .* has 2"),
        ({"settings": CompareSettings(epochs=7)}, "epochs is 7, but .* has 100"),
        ({"settings": CompareSettings(draws=2)}, "draws is 2, but .* has 1"),
        ({"settings": CompareSettings(repeats=1)}, "repeats is 1, but .* has 3 already"),
        ({"augment": AugmentSettings(noise=0.5)}, "noise is 0.5, but .* has 0.02"),
        ({"split": "other"}, "split is 'other', but .* has 'listed'"),
    ],
)
def test_other_differences_are_refused_by_name(plan, request_, change, message):
    benchmark = open_benchmark(request_.benchmark)
    save_split(benchmark, listed_split(benchmark, test=["*0"], name="other"))
    with pytest.raises(ValueError, match=message):
        grown(plan, replace(request_, **{"split": "listed", **change}))


def test_changed_labels_are_refused(plan, request_):
    benchmark = open_benchmark(request_.benchmark)
    path = benchmark.label_path(benchmark.frames[-1])  # a test image
    labels = tifffile.imread(path)
    labels[:3] = 1
    tifffile.imwrite(path, labels)
    with pytest.raises(ValueError, match="labels of split 'listed' have changed"):
        grown(plan, request_)


def test_a_benchmark_that_moved_is_the_same(plan, request_, tmp_path):
    moved = request_.benchmark.rename(tmp_path / "elsewhere")
    assert grown(plan, replace(request_, benchmark=moved)).benchmark == str(moved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architectures": ("unet", "vnet")}, "no network named 'vnet'"),
        ({"architectures": ()}, "no network to compare"),
        ({"init": "fast", "architectures": ("unet",)}, "is the network amsegnet-fast"),
        (
            {"init": "fast", "filters": 4, "architectures": ("amsegnet-fast",)},
            "has 16 filters, but amsegnet-fast is to have 4",
        ),
    ],
)
def test_networks_that_do_not_fit_are_refused(request_, change, message):
    with pytest.raises(ValueError, match=message):
        make_plan(replace(request_, **change))


def test_a_split_without_test_images_or_labels_there_is_refused(request_):
    benchmark = open_benchmark(request_.benchmark)
    save_split(benchmark, listed_split(benchmark, name="all"))
    with pytest.raises(ValueError, match="split 'all' has no test images"):
        make_plan(replace(request_, split="all"))
    path = benchmark.label_path(benchmark.frames[0])
    tifffile.imwrite(path, 0 * tifffile.imread(path))
    save_split(benchmark, listed_split(benchmark, test=["*0"], name="blank"))
    with pytest.raises(ValueError, match="no labelled pixel in its test images"):
        make_plan(replace(request_, split="blank"))


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    assert read_plan(tmp_path / "new") is None
    (tmp_path / "thesis.docx").write_text("years of work")
    with pytest.raises(FileExistsError, match="holds no comparison"):
        read_plan(tmp_path)
    (tmp_path / "compare.json").write_text('{"format_version": 1, "networks": 3}')
    with pytest.raises(ValueError, match="not the plan of a comparison"):
        read_plan(tmp_path)
