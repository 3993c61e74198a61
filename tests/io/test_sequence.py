"""Numbered images: order, what belongs to the sequence, what does not fit."""

from __future__ import annotations

from pathlib import Path

import imageio.v3 as iio
import numpy as np
import pytest
import tifffile

from napari_amseg.io import read_stack
from napari_amseg.io.sequence import numeric_key


def write(folder: Path, names, frames):
    for name, frame in zip(names, frames, strict=False):
        tifffile.imwrite(folder / name, frame, metadata=None)


def test_numeric_order():
    names = ["f (10).tif", "f (2).tif", "f1000.tif", "f999.tif"]
    ordered = [p.name for p in sorted(map(Path, names), key=numeric_key)]
    assert ordered.index("f (2).tif") < ordered.index("f (10).tif")
    assert ordered.index("f999.tif") < ordered.index("f1000.tif")


@pytest.mark.parametrize("how", ["folder", "glob", "list"])
def test_folder_glob_and_list_give_the_same_stack(tmp_path, frames, how):
    names = ["f (1).tif", "f (2).tif", "f (10).tif", "f (11).tif", "f (99).tif", "f (100).tif"]
    write(tmp_path, names, frames)
    source = {
        "folder": tmp_path,
        "glob": str(tmp_path / "*.tif"),
        "list": [tmp_path / name for name in reversed(names)],
    }[how]
    stack = read_stack(source)
    for t in range(6):
        np.testing.assert_array_equal(stack[t], frames[t])
    assert read_stack(stack.files).files == stack.files


def test_png_sequence(tmp_path, frames):
    for t, frame in enumerate(frames):
        iio.imwrite(tmp_path / f"{t}.png", frame)
    np.testing.assert_array_equal(read_stack(tmp_path)[3], frames[3])


@pytest.mark.parametrize("odd", ["shape", "dtype"])
def test_the_first_odd_file_is_named(tmp_path, frames, odd):
    write(tmp_path, [f"f{t}.tif" for t in range(6)], frames)
    other = frames[3][:-2] if odd == "shape" else frames[3].astype(np.uint8)
    tifffile.imwrite(tmp_path / "f3.tif", other)
    tifffile.imwrite(tmp_path / "f5.tif", other)
    with pytest.raises(ValueError, match=r"f3\.tif: frame is"):
        read_stack(tmp_path)


def test_several_sequences_are_not_guessed_between(tmp_path, frames):
    write(tmp_path, [f"flat_{t}.tif" for t in range(3)], frames)
    write(tmp_path, [f"run_{t}.tif" for t in range(3)], frames)
    with pytest.raises(ValueError, match=r"flat_\*\.tif \(3 files\), run_\*\.tif"):
        read_stack(tmp_path)
    assert len(read_stack(tmp_path / "run_*.tif")) == 3


def test_a_gap_in_the_numbers_is_noted(tmp_path, frames):
    write(tmp_path, ["f1.tif", "f2.tif", "f3.tif", "f7.tif", "f8.tif", "f9.tif"], frames)
    assert "f3.tif" in read_stack(tmp_path).notes[0]


def test_files_beside_the_sequence_are_noted(tmp_path, frames):
    write(tmp_path, ["f1.tif", "f2.tif", "labels.tif"], frames)
    stack = read_stack(tmp_path)
    assert len(stack) == 2
    assert "labels.tif" in stack.notes[0]


def test_a_folder_with_one_stack_is_that_stack(tmp_path, frames):
    tifffile.imwrite(tmp_path / "run.tif", frames)
    assert read_stack(tmp_path).shape == frames.shape


def test_a_multi_page_file_within_a_sequence_is_refused(tmp_path, frames):
    write(tmp_path, ["f1.tif", "f2.tif"], frames)
    tifffile.imwrite(tmp_path / "f3.tif", frames, metadata=None)
    with pytest.raises(ValueError, match=r"f3\.tif: holds 6 frames"):
        read_stack(tmp_path)


def test_a_glob_leaves_out_flats_and_stays_in_one_folder(tmp_path, frames):
    write(tmp_path, ["f1.tif", "f2.tif", "f3.tif", "flat.tif", "dark.tif"], frames)
    stack = read_stack(tmp_path / "*.tif")
    np.testing.assert_array_equal(np.stack(list(stack)), frames[:3])
    assert "dark.tif, flat.tif" in stack.notes[0]
    for name in ("run1", "run2"):
        (tmp_path / name).mkdir()
        write(tmp_path / name, ["f1.tif", "f2.tif"], frames)
    with pytest.raises(ValueError, match="2 folders"):
        read_stack(tmp_path / "run?" / "*.tif")


def test_the_number_that_varies_counts(tmp_path, frames):
    write(tmp_path, [f"frame_{t}_40kHz.tif" for t in (9, 10, 11)], frames)
    np.testing.assert_array_equal(np.stack(list(read_stack(tmp_path))), frames[:3])


def test_imagej_stacks_with_one_page_are_no_single_frames(tmp_path, frames):
    """Beyond 4 GB ImageJ writes one page for all images: taking it as a frame would lose them."""
    for t in (1, 2):
        description = f"ImageJ=1.54f\nimages={len(frames)}\n"
        tifffile.imwrite(tmp_path / f"f{t}.tif", frames[0], description=description, metadata=None)
    with pytest.raises(ValueError, match="holds 6 frames"):
        read_stack(tmp_path)


def test_empty_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="no image or stack"):
        read_stack(tmp_path)


def test_a_folder_of_folders_with_stacks_names_them(tmp_path):
    for name in ("run2", "run1", "notes"):
        (tmp_path / name).mkdir()
    for name in ("run1", "run2"):
        (tmp_path / name / "a.tif").write_bytes(b"")
    with pytest.raises(FileNotFoundError, match=r"folders run1, run2 hold some: .*run1\."):
        read_stack(tmp_path)
