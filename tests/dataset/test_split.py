"""Splits: every frame once, the same for the same seed, kept in a file that says how."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from napari_amseg.dataset import (
    SUBSETS,
    Benchmark,
    FrameId,
    Split,
    grouped_split,
    listed_split,
    load_split,
    open_benchmark,
    random_split,
    save_split,
    split_names,
)
from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.types import Experiment


@pytest.fixture
def made_of(tmp_path):
    """Benchmarks of experiments with these numbers of frames; splitting reads no image."""

    def make(*sizes):
        frames = [FrameId(f"run{i}", f"{t:04d}") for i, n in enumerate(sizes) for t in range(n)]
        experiments = {f"run{i}": Experiment(experiment=f"run{i}") for i in range(len(sizes))}
        return Benchmark(tmp_path, DEFAULT_SCHEME, experiments, tuple(frames))

    return make


def sizes_of(split):
    return tuple(len(split.of(subset)) for subset in SUBSETS)


@pytest.mark.parametrize(
    ("n", "parts", "sizes"),
    [
        (60, (4, 1, 1), (40, 10, 10)),
        (13, (4, 1, 1), (9, 2, 2)),
        (3, (4, 1, 1), (1, 1, 1)),
        (4, (100, 1, 1), (2, 1, 1)),
        (10, (4, 0, 1), (8, 0, 2)),
        (5, (1, 0, 0), (5, 0, 0)),
    ],
)
def test_random_split_has_the_ratio_asked_for(made_of, n, parts, sizes):
    split = random_split(made_of(n), parts=parts)
    assert sizes_of(split) == sizes
    assert set(split.subset_of) == set(made_of(n).frames)


def test_the_same_seed_gives_the_same_split(made_of):
    bench = made_of(20, 11)
    first = random_split(bench, seed=3)
    assert random_split(made_of(20, 11), seed=3) == first
    assert random_split(bench, seed=4).subset_of != first.subset_of
    mixed = Counter((f.experiment, subset) for f, subset in first.subset_of.items())
    assert all(mixed["run0", subset] for subset in SUBSETS)  # neighbours end up apart


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    ("sizes", "parts", "expected"),
    [
        ((10, 10, 10, 10, 10, 10), (4, 1, 1), (40, 10, 10)),
        ((100, 1, 1), (4, 1, 1), (100, 1, 1)),
        ((5, 5, 5), (4, 1, 1), (5, 5, 5)),
        ((40, 30, 20, 10), (4, 0, 1), (80, 0, 20)),
        ((7,), (1, 0, 0), (7, 0, 0)),
    ],
)
def test_grouped_split_keeps_experiments_whole(made_of, sizes, parts, expected, seed):
    split = grouped_split(made_of(*sizes), seed=seed, parts=parts)
    assert sizes_of(split) == expected
    subsets = {(f.experiment, subset) for f, subset in split.subset_of.items()}
    assert len(subsets) == len(sizes)


def test_grouped_splits_depend_on_the_seed(made_of):
    bench = made_of(*[10] * 12)
    splits = [grouped_split(bench, seed=seed) for seed in range(4)]
    assert grouped_split(bench, seed=2) == splits[2]
    assert len({tuple(s.of("test")) for s in splits}) > 1


def test_too_little_to_split(made_of):
    with pytest.raises(ValueError, match="2 labelled frames cannot be split into 3"):
        random_split(made_of(2))
    with pytest.raises(ValueError, match=r"0 labelled frames"):
        random_split(made_of())
    with pytest.raises(ValueError, match=r"2 experiments .* into 3 .*4:0:1"):
        grouped_split(made_of(10, 10))
    for parts in ((0, 1, 1), (-1, 1, 1), (1, 1), (0, 0, 0)):
        with pytest.raises(ValueError, match="three numbers"):
            random_split(made_of(9), parts=parts)


def test_listed_split(made_of):
    bench = made_of(13, 2)
    split = listed_split(bench, validation=["run1/*"], test=["run0/001[0-2]", "run0/0000"])
    assert sizes_of(split) == (9, 2, 4)
    assert [f.frame for f in split.of("test")] == ["0000", "0010", "0011", "0012"]
    assert sizes_of(listed_split(bench)) == (15, 0, 0)
    assert sizes_of(listed_split(bench, test=["*"])) == (0, 0, 15)  # only to be scored on


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"test": ["run7/*"]}, r"'run7/\*' matches no frame.*run0/0000, run0/0001, \.\.\."),
        ({"validation": ["run0/*"], "test": ["*/0001"]}, "run0/0001 is named for validation and"),
        ({"name": "a/b"}, "split name is 'a/b'"),
    ],
)
def test_lists_that_make_no_sense(made_of, given, words):
    with pytest.raises(ValueError, match=words):
        listed_split(made_of(5), **given)


def test_a_split_knows_its_subsets(made_of):
    with pytest.raises(ValueError, match="subset is 'tests': choose one of train"):
        random_split(made_of(6)).of("tests")


# ------------------------------------------------------------------ files


@pytest.fixture
def saved(bench):
    save_split(bench, random_split(bench, seed=5))
    return bench


def test_saved_splits_come_back(bench):
    for split in (
        random_split(bench, seed=5),
        grouped_split(bench, parts=(3, 0, 1), name="by run"),
        listed_split(bench, test=["b/*"]),
    ):
        save_split(bench, split)
        again = load_split(open_benchmark(bench.folder), split.name)
        assert again == split
        assert list(again.subset_of) == list(split.subset_of)
    assert split_names(bench) == ("by run", "listed", "random")


def test_the_file_has_the_format_of_the_contract(saved):
    lines = (saved.folder / "splits" / "random.csv").read_text().splitlines()
    assert json.loads(lines[0].removeprefix("# ")) == {
        "rule": "random",
        "seed": 5,
        "parts": [4, 1, 1],
    }
    assert lines[1] == "experiment,frame,subset"
    assert lines[2].startswith("b,0000,")
    assert len(lines) == 2 + 8


def test_a_split_is_not_replaced_unasked(saved):
    other = random_split(saved, seed=6)
    with pytest.raises(FileExistsError, match="exists already"):
        save_split(saved, other)
    save_split(saved, other, overwrite=True)
    assert load_split(saved, "random").seed == 6


def test_frames_that_are_gone_are_named(saved):
    saved.label_path(FrameId("b", "0001")).unlink()
    with pytest.raises(ValueError, match=r"1 of its 8 frames .*\(b/0001\).*Split again"):
        load_split(open_benchmark(saved.folder), "random")


def test_newer_frames_are_noted(saved):
    path = saved.folder / "splits" / "random.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-2]) + "\n")
    split = load_split(saved, "random")
    assert split.notes == (
        "split random: 2 newer frames are in no subset (run a/0004, run a/0005)",
    )
    assert sum(sizes_of(split)) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("experiment,frame,subset\n", 'line 1: expected "# " and a record'),
        ("# [1]\n", "line 1"),
        ("# {\n", "line 1"),
        ("# {}\nframe,subset\n", "line 2: expected the columns experiment, frame, subset"),
        ("# {}\nexperiment,frame,subset\nb,0000\n", "line 3: expected 3 cells"),
        ("# {}\nexperiment,frame,subset\nb,0000,Test\n", "line 3: subset is 'Test'"),
        ("# {}\nexperiment,frame,subset\n" + "b,0000,test\n" * 2, "line 4: b/0000 is listed twice"),
        ("# {}\nexperiment,frame,subset\nb,9,test\n", "1 of its 1 frames"),
        ("\udcff", "not a readable table"),
    ],
)
def test_files_that_cannot_be_read(saved, text, words):
    path = saved.folder / "splits" / "mine.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match=words):
        load_split(saved, "mine")


def test_a_split_that_is_not_there(saved):
    with pytest.raises(FileNotFoundError, match="no split 'paper'; there are random"):
        load_split(saved, "paper")
    with pytest.raises(ValueError, match=r"split name is '\.\./x'"):
        save_split(saved, Split("../x", "listed", None, {}))
