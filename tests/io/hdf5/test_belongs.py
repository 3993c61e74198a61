"""HDF5 files with several stacks, cameras or keys: what is open is never a matter of luck."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import hdf5plugin
import numpy as np
import pytest
from typer.testing import CliRunner

from napari_amseg.cli import app
from napari_amseg.io import read_stack
from napari_amseg.types import Stack

KEY = np.array([2, 1, 1, 0, 0, 0, 0, 0, 1, 2, 2])  # as in conftest


def everything(stack: Stack) -> np.ndarray:
    return np.stack(list(stack))


def made(path: Path, **members: Any) -> Path:
    """A file with these members; ``__`` stands for ``/``."""
    with h5py.File(path, "w") as file:
        for name, value in members.items():
            file[name.replace("__", "/")] = value
    return path


class TestScans:
    def scans(self, folder: Path, data: np.ndarray) -> Path:
        return made(
            folder / "a.nxs",
            entry0000__instrument__detector__data=data,
            entry0001__instrument__detector__data=data[:5] + 1,
        )

    def test_two_scans_are_not_chosen_from_in_silence(self, tmp_path, data):
        path = self.scans(tmp_path, data)
        with pytest.raises(ValueError, match="holds 2 scans") as caught:
            read_stack(path)
        second = "entry0001/instrument/detector/data"
        assert f"{path}::entry0000/instrument/detector/data" in str(caught.value)
        assert f"{second} (5x12x16 uint16)" in str(caught.value)
        with read_stack(f"{path}::{second}") as stack:
            assert np.array_equal(everything(stack), data[:5] + 1)

    def test_the_default_of_the_file_is_followed(self, tmp_path, data):
        path = self.scans(tmp_path, data)
        with h5py.File(path, "r+") as file:
            file.attrs["default"] = "entry0001"
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data[:5] + 1)
            assert stack.dataset == "entry0001/instrument/detector/data"
            assert "not open: entry0000/instrument/detector/data" in stack.notes[0]

    def test_one_scan_under_two_names_is_one(self, tmp_path, data):
        path = made(tmp_path / "a.nxs", entry__data__data=data)
        with h5py.File(path, "r+") as file:
            file["entry0000"] = h5py.SoftLink("/entry")
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert stack.notes == ()

    def test_another_stack_of_the_entry_is_told(self, tmp_path, data):
        path = made(tmp_path / "a.nxs", entry__imaging__data=data, entry__data__data=data[:3])
        with read_stack(path) as stack:
            assert len(stack) == 11
            assert "not open: entry/data/data (3x12x16 uint16)" in stack.notes[0]

    def test_info_tells_the_dataset(self, tmp_path, data):
        path = made(tmp_path / "a.nxs", entry__imaging__data=data)
        told = CliRunner().invoke(app, ["info", str(path)]).output
        assert any(line.split() == ["dataset", "entry/imaging/data"] for line in told.splitlines())


class TestChoice:
    def test_a_table_under_a_known_name_hides_no_stack(self, tmp_path, data):
        table = np.random.default_rng(0).random((100, 16))
        path = made(tmp_path / "a.h5", entry__data__data=table, entry__cam__frames=data)
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert stack.dataset == "entry/cam/frames"

    def test_a_single_image_under_a_known_name_is_read_where_no_stack_is(self, tmp_path, data):
        path = made(tmp_path / "a.h5", exchange__data=data[0], theta=np.arange(3.0))
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data[:1])

    def test_stacks_that_no_detector_recorded_are_told(self, tmp_path, data):
        path = made(tmp_path / "a.h5", cam__data=data, processed__result=data[:4])
        with h5py.File(path, "r+") as file:
            file["cam"].attrs["NX_class"] = "NXdetector"
        with read_stack(path) as stack:
            assert len(stack) == 11
            assert "only stack in the file" not in stack.notes[0]
            assert "not open: processed/result (4x12x16 uint16)" in stack.notes[0]

    @pytest.mark.parametrize(
        "value", [np.zeros((6, 1, 8, 9)), np.zeros((6, 8, 4)), np.zeros((6, 8, 9), complex)]
    )
    def test_no_name_is_proposed_that_would_be_refused(self, tmp_path, value):
        path = made(tmp_path / "a.h5", entry__data__data=value)
        with pytest.raises(ValueError, match="no dataset of grey frames") as caught:
            read_stack(path)
        assert "Name one" not in str(caught.value)
        assert "entry/data/data (6x" in str(caught.value)

    @pytest.mark.parametrize("name", [".", "./", "run/."])
    def test_dots_are_no_damage(self, tmp_path, data, name):
        path = made(tmp_path / "a.h5", run__frames=data)
        with pytest.raises(ValueError, match="there is no dataset") as caught:
            read_stack(f"{path}::{name}")
        assert "damaged" not in str(caught.value)
        with read_stack(f"{path}::./run/frames") as stack:
            assert stack.dataset == "run/frames"


class TestCameras:
    def test_the_key_of_another_camera_is_not_used(self, tmp_path, data):
        path = made(
            tmp_path / "a.nxs",
            entry__data__data=data,
            entry__instrument__camA__data=data,
            entry__instrument__camB__data=data + 1,
            entry__instrument__camB__image_key=KEY,
        )
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert stack.flat is None
            assert "camB/image_key is that of another camera: not used" in stack.notes[0]

    def test_nor_where_the_own_camera_is_known(self, tmp_path, data):
        path = made(
            tmp_path / "a.nxs",
            entry__instrument__detector__data=data,
            entry__instrument__camB__data=data + 1,
            entry__instrument__camB__image_key=KEY,
        )
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert "another camera" in stack.notes[0]

    def test_the_key_of_the_only_camera_is_used_and_said(self, tmp_path, data):
        path = made(
            tmp_path / "a.nxs",
            entry__data__data=data,  # a copy: nothing links it to the detector
            entry__instrument__detector__data=data,
            entry__instrument__detector__image_key=KEY,
        )
        with read_stack(f"{path}::entry/data/data") as stack:
            assert np.array_equal(everything(stack), data[KEY == 0])
            assert any("told apart by /entry/instrument/detector" in n for n in stack.notes)

    def test_two_keys_that_may_be_meant_are_refused(self, tmp_path, data):
        path = made(
            tmp_path / "a.nxs",
            entry__data__data=data,
            entry__instrument__one__image_key=KEY,
            entry__instrument__two__image_key=KEY[::-1],
        )
        with pytest.raises(ValueError, match="may both be meant"):
            read_stack(path)

    def test_it_is_said_where_flats_come_from(self, tmp_path, data):
        path = made(
            tmp_path / "a.h5", entry__camB__data=data, entry__camA__data=data,
            entry__data_white=data[:2],
        )  # fmt: skip
        with read_stack(f"{path}::entry/camB/data") as stack:
            assert stack.notes == (
                "flats from /entry/data_white: check that they are of this camera",
            )
        path = made(tmp_path / "b.h5", exchange__data=data, exchange__data_white=data[:2])
        with read_stack(path) as stack:
            assert stack.flat is not None
            assert stack.notes == ()

    def test_one_flat_is_one(self, nexus):
        with h5py.File(nexus, "r+") as file:
            file["entry0000/instrument/detector/image_key"][:] = [1, 0, 0, 3, 0, 0, 0, 0, 1, 1, 2]
        with read_stack(nexus) as stack:
            assert any("1 flat lies before the frames and 2 after" in n for n in stack.notes)
            assert any(n.startswith("1 image left out, which") for n in stack.notes)


class TestMagnification:
    @pytest.mark.parametrize(
        "place", ["objective/magnification", "detection_system/objective/magnification"]
    )
    def test_of_the_objective_makes_it_that_of_the_chip(self, tmp_path, data, place):
        path = tmp_path / "a.nxs"
        with h5py.File(path, "w") as file:
            detector = file.create_group("entry/instrument/detector")
            detector["data"] = data
            for axis in "xy":
                detector[f"{axis}_pixel_size"] = 20.0
                detector[f"{axis}_pixel_size"].attrs["units"] = "um"
            file[f"entry/instrument/{place}"] = 10.0
        with read_stack(path) as stack:
            assert stack.experiment.pixel_size_um is None
            assert "20 um at a magnification of 10" in stack.notes[0]
            assert "give --pixel-size 2;" in stack.notes[0]
        with h5py.File(path, "r+") as file:
            file[f"entry/instrument/{place}"][()] = 1.0
        with read_stack(path) as stack:
            assert stack.experiment.pixel_size_um == 20
        with h5py.File(path, "r+") as file:
            del file[f"entry/instrument/{place}"]
            file[f"entry/instrument/{place}"] = "10x"
        with read_stack(path) as stack:
            assert stack.experiment.pixel_size_um is None


class TestPacked:
    """In a process that has not loaded the filters yet, as they stay once they are loaded."""

    def opened(self, path: Path) -> str:
        import subprocess
        import sys

        code = (
            "import sys; from napari_amseg.io import read_stack\n"
            "s = read_stack(sys.argv[1]); print(len(s), s.flat is not None, "
            "s.experiment.frame_rate_hz, s.notes)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def test_packed_key_and_times_are_read(self, tmp_path, data):
        path = made(tmp_path / "a.nxs", entry__imaging__data=data)
        with h5py.File(path, "r+") as file:
            group = file["entry/imaging"]
            group.create_dataset("image_key", data=KEY, chunks=(11,), **hdf5plugin.Bitshuffle())
            times = group.create_dataset(
                "timestamp", data=np.arange(11) * 1e-3, chunks=(11,), **hdf5plugin.Blosc()
            )
            times.attrs["units"] = "s"
        assert self.opened(path).startswith("5 True 1000.0")

    def test_what_cannot_be_read_is_a_note(self, tmp_path, data):
        path = made(tmp_path / "a.nxs", entry__imaging__data=data)
        with h5py.File(path, "r+") as file:
            rate = file.create_dataset("entry/imaging/frame_rate", (1,), "f8", chunks=(1,))
            rate.attrs["units"] = "Hz"
        with read_stack(path) as stack:
            assert stack.experiment.frame_rate_hz is None
            assert "frame_rate" in stack.notes[-1]

    def test_damaged_times_are_a_note_and_a_damaged_key_is_refused(self, tmp_path, data):
        for name in ("timestamp", "image_key"):
            path = made(tmp_path / f"{name}.nxs", entry__imaging__data=data)
            values = np.arange(11.0) if name == "timestamp" else KEY
            with h5py.File(path, "r+") as file:
                packed = file.create_dataset(
                    f"entry/imaging/{name}", data=values, chunks=(11,), compression="gzip"
                )
                packed.attrs["units"] = "s"
                packed.id.write_direct_chunk((0,), b"no deflate")
            if name == "timestamp":
                with read_stack(path) as stack:
                    assert "timestamp cannot be read" in stack.notes[-1]
            else:
                with pytest.raises(ValueError, match=r"image_key cannot be read.*as frames, open"):
                    read_stack(path)
