"""HDF5 stacks: where the frames are, what belongs to them, what the file says of them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_amseg.io import can_read, read_stack, recorded_fields
from napari_amseg.types import Stack

KEY = np.array([2, 1, 1, 0, 0, 0, 0, 0, 1, 2, 2])  # of the fixtures: see conftest


def everything(stack: Stack) -> np.ndarray:
    return np.stack(list(stack))


class TestWhere:
    @pytest.mark.parametrize(
        "name",
        [
            "entry/imaging/data",
            "entry0000/instrument/detector/data",
            "entry1/tomo_entry/data/data",
            "exchange/data",
            "image_stack",
        ],
    )
    def test_known_name_is_found_beside_others(self, tmp_path, data, name):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["a/first"] = data[:3]
            file[name] = data
            file["z/last"] = data[:2]
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(everything(stack), data)
            assert stack.dtype == data.dtype
            assert stack.notes == ()

    def test_order_of_the_contract(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image_stack"], file["exchange/data"] = data[:1], data[:2]
            file["entry/imaging/data"] = data[:4]
        with read_stack(tmp_path / "a.h5") as stack:
            assert len(stack) == 4

    def test_default_attributes_of_nexus_choose(self, tmp_path, data):
        with h5py.File(tmp_path / "a.nxs", "w") as file:
            for name, part in (("left", data[:4]), ("right", data[4:])):
                group = file.create_group(f"scan/{name}")
                group.attrs["NX_class"], group.attrs["signal"] = "NXdata", "counts"
                group["counts"] = part
            file["scan"].attrs["NX_class"] = "NXentry"
            file["scan"].attrs["default"] = "right"
        with read_stack(tmp_path / "a.nxs") as stack:
            assert np.array_equal(everything(stack), data[4:])

    def test_only_stack_is_taken_and_said(self, tmp_path, data):
        with h5py.File(tmp_path / "a.hdf5", "w") as file:
            file["run/frames"], file["run/theta"] = data, np.arange(11.0)
            file["run/again"] = h5py.SoftLink("/run/frames")
        with read_stack(tmp_path / "a.hdf5") as stack:
            assert np.array_equal(everything(stack), data)
            assert "run/" in stack.notes[0]

    def test_several_stacks_are_listed_with_the_line_to_type(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["one"], file["two"] = data, data[:5].astype(np.float32)
        with pytest.raises(ValueError, match="holds 2 stacks") as caught:
            read_stack(tmp_path / "a.h5")
        assert "two (5x12x16 float32)" in str(caught.value)
        assert f"{tmp_path / 'a.h5'}::one" in str(caught.value)
        with read_stack(f"{tmp_path / 'a.h5'}::two") as stack:
            assert np.array_equal(everything(stack), data[:5])
            with read_stack(list(stack.address)) as again:
                assert np.array_equal(everything(again), data[:5])

    def test_a_group_stands_for_its_data(self, nexus, data):
        with read_stack(f"{nexus}::entry0000/instrument/detector") as stack:
            assert np.array_equal(everything(stack), data[KEY == 0])

    def test_address_counts_as_readable(self, nexus):
        assert can_read(f"{nexus}::flats")
        assert can_read(nexus)
        assert not can_read("table.csv::flats")

    def test_missing_file_and_missing_dataset(self, nexus, tmp_path):
        with pytest.raises(FileNotFoundError, match="no such file"):
            read_stack(tmp_path / "gone.h5::flats")
        with pytest.raises(ValueError, match=r"no dataset 'nothing'.*entry0000"):
            read_stack(f"{nexus}::nothing")

    def test_a_file_among_images_is_named(self, nexus, tiff_file):
        with pytest.raises(ValueError, match="give it alone"):
            read_stack([nexus, tiff_file])


class TestKinds:
    @pytest.mark.parametrize("kind", ["u1", ">u2", "<i4", ">f4", "<f8", "f2", "?"])
    def test_numbers_of_every_kind(self, tmp_path, data, kind):
        wanted = (data % 2).astype(kind)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image_stack"] = wanted
        with read_stack(tmp_path / "a.h5") as stack:
            assert stack.dtype == wanted.dtype.newbyteorder("=")
            assert stack[0].dtype == stack.dtype
            assert np.array_equal(everything(stack), wanted)

    def test_one_image_is_a_stack_of_one(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["mean"] = data[0]
        with read_stack(f"{tmp_path / 'a.h5'}::mean") as stack:
            assert stack.shape == (1, 12, 16)
            assert np.array_equal(stack[0], data[0])

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (np.zeros((2, 3, 4, 5)), "expected the axes"),
            (np.zeros((5, 6, 3), np.uint8), "colour images"),
            (np.zeros((5, 6, 7), np.complex64), "complex64, expected grey"),
            (np.zeros((0, 6, 7)), "no pixel in it"),
            (np.zeros(9), "expected the axes"),
            (np.bytes_(b"words"), "expected grey"),
            (h5py.Empty("f4"), "expected grey"),
        ],
    )
    def test_what_is_no_stack_is_refused(self, tmp_path, value, words):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["thing"] = value
        with pytest.raises(ValueError, match=words):
            read_stack(f"{tmp_path / 'a.h5'}::thing")

    def test_nothing_like_a_stack_lists_what_is_there(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["exchange/data"] = np.zeros((5, 6, 3), np.uint8)
            file["title"] = "words"
        with pytest.raises(ValueError, match=r"no dataset of grey frames.*exchange/data \(5x6x3"):
            read_stack(tmp_path / "a.h5")


class TestFields:
    def test_image_key_tells_frames_flats_and_darks(self, nexus, data):
        with read_stack(nexus) as stack:
            assert np.array_equal(everything(stack), data[KEY == 0])
            assert (stack.flat, stack.dark) == (f"{nexus}::flats", f"{nexus}::darks")
            assert stack.files == (str(nexus),)
        for role, wanted in (
            ("flats", data[[1, 2, 8]]),
            ("flats-before", data[[1, 2]]),
            ("flats-after", data[[8]]),
            ("darks", data[[0, 9, 10]]),
        ):
            with read_stack(f"{nexus}::{role}") as field:
                assert np.array_equal(everything(field), wanted), role
                assert field.flat is None
                with read_stack(list(field.address)) as again:
                    assert np.array_equal(everything(again), wanted), role

    def test_fields_of_a_named_dataset(self, nexus, data):
        with read_stack(f"{nexus}::entry0000/instrument/detector/data") as stack:
            assert stack.flat == f"{nexus}::entry0000/instrument/detector/data::flats"
            with read_stack(stack.flat) as field:
                assert np.array_equal(everything(field), data[KEY == 1])

    @pytest.mark.parametrize(
        "place",
        [
            "entry1/tomo_entry/instrument/detector/image_key",
            "entry1/tomo_entry/data/image_key",
            "entry1/tomo_entry/image_key",
            "entry1/tomo_entry/instrument/other/image_key",
        ],
    )
    def test_image_key_wherever_it_stands_near_the_data(self, tmp_path, data, place):
        with h5py.File(tmp_path / "a.nxs", "w") as file:
            file["entry1/tomo_entry/instrument/detector/data"] = data
            file["entry1/tomo_entry/data/data"] = h5py.SoftLink(
                "/entry1/tomo_entry/instrument/detector/data"
            )
            file[place] = KEY
        with read_stack(tmp_path / "a.nxs") as stack:
            assert np.array_equal(everything(stack), data[KEY == 0])

    def test_key_of_the_own_detector_before_that_of_another(self, tmp_path, data):
        with h5py.File(tmp_path / "a.nxs", "w") as file:
            file["entry/instrument/abc/data"] = np.zeros(11)
            file["entry/instrument/abc/image_key"] = np.ones(11)
            file["entry/instrument/xyz/data"] = data
            file["entry/instrument/xyz/image_key"] = KEY
            file["entry/imaging/data"] = file["entry/instrument/xyz/data"]
        with read_stack(tmp_path / "a.nxs") as stack:
            assert np.array_equal(everything(stack), data[KEY == 0])

    def test_key_of_another_length_is_refused_with_the_way_on(self, nexus, data):
        with h5py.File(nexus, "r+") as file:
            del file["entry0000/instrument/detector/image_key"]
            file["entry0000/instrument/detector/image_key"] = KEY[:-1]
        named = f"{nexus}::entry0000/instrument/detector/data"
        with pytest.raises(ValueError, match="10 entries, the data 11 images") as caught:
            read_stack(nexus)
        assert f"take all 11 images as frames, open {named}." in str(caught.value)
        with read_stack(named) as stack:
            assert np.array_equal(everything(stack), data)
            assert "all images count as frames" in stack.notes[0]

    def test_key_in_a_missing_file_is_refused_with_the_way_on(self, nexus):
        with h5py.File(nexus, "r+") as file:
            del file["entry0000/instrument/detector/image_key"]
            file["entry0000/instrument/detector/image_key"] = h5py.ExternalLink("keys.h5", "/key")
        with pytest.raises(ValueError, match=r"keys\.h5, which is not there"):
            read_stack(nexus)
        with read_stack(f"{nexus}::entry0000/instrument/detector/data") as stack:
            assert len(stack) == 11
            assert "keys.h5" in stack.notes[0]

    def test_unknown_value_in_the_key(self, nexus):
        with h5py.File(nexus, "r+") as file:
            file["entry0000/instrument/detector/image_key"][4] = 7
        with pytest.raises(ValueError, match="holds 7; known are 0 frame"):
            read_stack(nexus)

    def test_invalid_image_among_the_frames_takes_the_frame_rate_away(self, nexus, data):
        with h5py.File(nexus, "r+") as file:
            detector = file["entry0000/instrument/detector"]
            detector["frame_rate"] = 1e4
            detector["frame_rate"].attrs["units"] = "Hz"
        with read_stack(nexus) as stack:
            assert stack.experiment.frame_rate_hz == 1e4
        with h5py.File(nexus, "r+") as file:
            file["entry0000/instrument/detector/image_key"][5] = 3
        with read_stack(nexus) as stack:
            assert np.array_equal(everything(stack), data[[3, 4, 6, 7]])
            assert stack.experiment.frame_rate_hz is None
            assert any("not evenly spaced" in note for note in stack.notes)

    def test_only_flats_is_said(self, nexus):
        with h5py.File(nexus, "r+") as file:
            file["entry0000/instrument/detector/image_key"][...] = 1
        with pytest.raises(ValueError, match="holds no frame, only 11 flats"):
            read_stack(nexus)

    def test_data_exchange(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["exchange/data"] = data
            file["exchange/data_white"], file["exchange/data_dark"] = data[:3] + 1, data[0] + 2
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(everything(stack), data)
            with read_stack(str(stack.flat)) as flats, read_stack(str(stack.dark)) as darks:
                assert np.array_equal(everything(flats), data[:3] + 1)
                assert np.array_equal(everything(darks), data[:1] + 2)

    def test_recorded_fields_in_words(self, tmp_path, nexus, data):
        with read_stack(nexus) as stack:
            assert recorded_fields(stack) == {"flats": "3 images", "darks": "3 images"}
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["exchange/data"] = data
            file.create_dataset("exchange/data_white", (2, 12, 16), "u2", chunks=(1, 12, 16))
        with read_stack(tmp_path / "a.h5") as stack:  # what is wrong with flats stops no frame
            assert "no pixel was ever written" in recorded_fields(stack)["flats"]

    def test_empty_or_unfitting_flats_are_none(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["exchange/data"] = data
            file["exchange/data_white"] = data[:0]
            file["exchange/data_dark"] = data[:, :4]
        with read_stack(tmp_path / "a.h5") as stack:
            assert (stack.flat, stack.dark) == (None, None)
            assert "does not fit" in stack.notes[0]
        with pytest.raises(ValueError, match="no flats are recorded"):
            read_stack(f"{tmp_path / 'a.h5'}::flats")

    def test_dataset_that_is_called_flats(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image_stack"], file["flats"] = data, data[:2]
        with read_stack(f"{tmp_path / 'a.h5'}::flats") as field:
            assert np.array_equal(everything(field), data[:2])


class TestMetadata:
    def file(self, folder: Path, data: np.ndarray, **values: tuple[object, str | None]) -> Path:
        path = folder / "a.nxs"
        with h5py.File(path, "w") as file:
            detector = file.create_group("entry/instrument/detector")
            detector["data"] = data
            for name, (value, unit) in values.items():
                detector[name] = value
                if unit is not None:
                    detector[name].attrs["units"] = unit
        return path

    @pytest.mark.parametrize(
        ("value", "unit", "um"),
        [(2e-6, "m", 2), (0.002, "mm", 2), (2, "um", 2), ([2, 2, 2], "µm", 2), (2, None, None)],
    )
    def test_pixel_size_with_its_unit(self, tmp_path, data, value, unit, um):
        path = self.file(tmp_path, data, x_pixel_size=(value, unit), y_pixel_size=(value, unit))
        with read_stack(path) as stack:
            assert stack.experiment.pixel_size_um == um
            assert "x_pixel_size" in stack.notes[0]

    def test_oblong_or_magnified_pixels_are_not_believed(self, tmp_path, data):
        sizes = {"x_pixel_size": (2, "um"), "y_pixel_size": (3, "um")}
        with read_stack(self.file(tmp_path, data, **sizes)) as stack:
            assert stack.experiment.pixel_size_um is None
        sizes |= {"y_pixel_size": (2, "um"), "magnification": (10, None)}
        with read_stack(self.file(tmp_path, data, **sizes)) as stack:
            assert stack.experiment.pixel_size_um is None
            assert "magnification of 10" in stack.notes[0]

    @pytest.mark.parametrize(
        ("name", "value", "unit", "hz"),
        [
            ("frame_rate", 50, "kHz", 5e4),
            ("frame_rate", 50, None, None),
            ("frame_period", 20, "us", 5e4),
            ("frame_time", 0.02, "ms", 5e4),
            ("count_time", 20, "us", None),
            ("exposure_time", 20, "us", None),
            ("timestamps", np.arange(11) * 20.0, "us", 5e4),
            ("timestamps", np.arange(11) * 20.0, None, None),
            ("timestamps", np.arange(11.0) ** 2, "us", None),
            ("timestamps", np.arange(10) * 20.0, "us", None),
            ("frame_rate", 0, "Hz", None),
        ],
    )
    def test_frame_rate_where_it_is_truly_stated(self, tmp_path, data, name, value, unit, hz):
        with read_stack(self.file(tmp_path, data, **{name: (value, unit)})) as stack:
            assert stack.experiment.frame_rate_hz == hz

    def test_rates_that_differ_are_none(self, tmp_path, data):
        path = self.file(tmp_path, data, frame_rate=(50, "kHz"), frame_period=(25, "us"))
        with read_stack(path) as stack:
            assert stack.experiment.frame_rate_hz is None
            assert "different frame rates" in stack.notes[0]

    def test_times_of_the_frames_only(self, tmp_path, data):
        times = np.concatenate([[0, 100, 200], 1000 + 20 * np.arange(5), [5000, 6000, 7000]])
        path = self.file(tmp_path, data, image_key=(KEY, None), timestamps=(times, "us"))
        with read_stack(path) as stack:
            assert stack.experiment.frame_rate_hz == 5e4


class TestRealFiles:
    """Against values read with plain h5py from the very files."""

    def test_data_exchange_of_a_tooth(self, real_data):
        path = real_data / "formats" / "tooth.h5"
        with h5py.File(path) as file, read_stack(path) as stack:
            assert stack.shape == (181, 2, 640)
            assert np.array_equal(everything(stack), file["exchange/data"][()])
            assert stack.experiment.pixel_size_um is None
            assert stack.experiment.frame_rate_hz is None
            for role, name in (("flats", "data_white"), ("darks", "data_dark")):
                with read_stack(f"{path}::{role}") as field:
                    assert np.array_equal(everything(field), file[f"exchange/{name}"][()])

    def test_linked_nexus_of_which_one_file_is_there(self, real_data):
        path = real_data / "formats" / "k11-18014.nxs"
        raw = path.parent / "k11-18014" / "k11-18014-imaging.h5"
        with h5py.File(path) as file:
            key = file["entry/instrument/imaging/image_key"][()]
        with h5py.File(raw) as file:
            every = file["entry/detector/detector"][()]
        assert len(key) == len(every) == 3201
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), every[key == 0])
            assert [Path(f).resolve() for f in stack.files] == [path.resolve(), raw.resolve()]
            assert stack.experiment.frame_rate_hz is None
            assert "50 flats lie before the frames and 50 after" in stack.notes[0]
        for role, value in (("flats", 1), ("darks", 2)):
            with read_stack(f"{path}::{role}") as field:
                assert np.array_equal(everything(field), every[key == value])

    def test_missing_detector_of_it_is_named(self, real_data):
        path = real_data / "formats" / "k11-18014.nxs"
        with pytest.raises(ValueError, match=r"k11-18014-EtherCAT.h5, which is not there"):
            read_stack(f"{path}::entry/EtherCAT/data")
