"""HDF5 stacks: links, virtual datasets, chunks, compressions, damage."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import h5py
import numpy as np
import pytest

from napari_amseg.io import read_stack
from napari_amseg.io.hdf5.frames import FrameReader
from napari_amseg.io.hdf5.unpack import Unpacker
from napari_amseg.types import Stack


def everything(stack: Stack) -> np.ndarray:
    return np.stack(list(stack))


def images(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.integers(0, 4096, size=(n, 12, 16), dtype=np.uint16)


class TestLinks:
    def linked(self, folder: Path, data: np.ndarray) -> Path:
        (folder / "raw").mkdir()
        with h5py.File(folder / "raw" / "frames.h5", "w") as file:
            file["entry/detector"] = data
        with h5py.File(folder / "scan.nxs", "w") as file:
            group = file.create_group("entry/imaging")
            group["data"] = h5py.ExternalLink("raw/frames.h5", "/entry/detector")
            group["theta"] = h5py.ExternalLink("raw/gone.h5", "/theta")
        return folder / "scan.nxs"

    def test_linked_file_is_read_and_recorded(self, tmp_path, data):
        path = self.linked(tmp_path, data)
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert stack.files == (str(path), str(tmp_path / "raw" / "frames.h5"))
            assert stack.address == (str(path),)

    def test_missing_linked_file_is_named(self, tmp_path, data):
        path = self.linked(tmp_path, data)
        (tmp_path / "raw" / "frames.h5").unlink()
        for address in (path, f"{path}::entry/imaging/data"):
            with pytest.raises(ValueError, match=r"raw/frames.h5, which is not there.*Copy it"):
                read_stack(address)

    def test_linked_file_without_the_dataset(self, tmp_path, data):
        path = self.linked(tmp_path, data)
        with h5py.File(tmp_path / "raw" / "frames.h5", "w") as file:
            file["other"] = data
        with pytest.raises(ValueError, match="as /entry/detector, which cannot be opened there"):
            read_stack(path)

    def test_loops_end(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["group/stack"] = data
            file["group/me"] = file["group"]
            file["round"], file["about"] = h5py.SoftLink("/about"), h5py.SoftLink("/round")
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(everything(stack), data)
        with pytest.raises(ValueError, match="circle"):
            read_stack(f"{tmp_path / 'a.h5'}::round")

    def test_soft_link_to_nothing(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["image_stack"] = h5py.SoftLink("/gone")
        with pytest.raises(ValueError, match="link to /gone, which is not in the file"):
            read_stack(tmp_path / "a.h5")


class TestVirtual:
    def virtual(self, folder: Path, data: np.ndarray, **packed: object) -> Path:
        layout = h5py.VirtualLayout(data.shape, data.dtype)
        for i, (first, last) in enumerate(((0, 6), (6, 11))):
            with h5py.File(folder / f"part{i}.h5", "w") as file:
                file.create_dataset("data", data=data[first:last], **packed)
            source = h5py.VirtualSource(f"part{i}.h5", "data", (last - first, *data.shape[1:]))
            layout[first:last] = source
        with h5py.File(folder / "whole.h5", "w") as file:
            file.create_virtual_dataset("exchange/data", layout, fillvalue=9)
        return folder / "whole.h5"

    @pytest.mark.parametrize("packed", [{}, {"chunks": (4, 12, 16), "compression": "gzip"}])
    def test_virtual_dataset(self, tmp_path, data, packed):
        path = self.virtual(tmp_path, data, **packed)
        with read_stack(path) as stack:
            assert np.array_equal(everything(stack), data)
            assert [Path(f).name for f in stack.files] == ["whole.h5", "part0.h5", "part1.h5"]
            assert stack.notes == ()

    def test_missing_source_is_named_not_filled(self, tmp_path, data):
        path = self.virtual(tmp_path, data)
        (tmp_path / "part1.h5").unlink()
        with pytest.raises(ValueError, match=r"part1.h5, which is not there"):
            read_stack(path)

    def test_source_without_the_dataset(self, tmp_path, data):
        path = self.virtual(tmp_path, data)
        with h5py.File(tmp_path / "part1.h5", "w") as file:
            file["other"] = data
        with pytest.raises(ValueError, match="where it is not"):
            read_stack(path)

    @pytest.mark.parametrize("taken", [np.s_[:], np.s_[1:5]])
    def test_short_source_is_refused(self, tmp_path, data, taken):
        layout = h5py.VirtualLayout((len(data[:5][taken]), 12, 16), data.dtype)
        layout[:] = h5py.VirtualSource("part.h5", "data", (5, 12, 16))[taken]
        with h5py.File(tmp_path / "whole.h5", "w") as file:
            file.create_virtual_dataset("exchange/data", layout)
        with h5py.File(tmp_path / "part.h5", "w") as file:
            file["data"] = data[:2]
        with pytest.raises(ValueError, match=r"than the 2 images it holds.*part.h5::data"):
            read_stack(tmp_path / "whole.h5")

    def test_gaps_are_said(self, tmp_path, data):
        path = self.virtual(tmp_path, data)
        layout = h5py.VirtualLayout((20, 12, 16), data.dtype)
        layout[:6] = h5py.VirtualSource("part0.h5", "data", (6, 12, 16))
        with h5py.File(path, "w") as file:
            file.create_virtual_dataset("exchange/data", layout, fillvalue=9)
        with read_stack(path) as stack:
            assert "70.0% of the virtual dataset has no source" in stack.notes[0]


class TestStorage:
    @pytest.mark.parametrize(
        "kept",
        [
            {},
            {"chunks": (1, 12, 16)},
            {"chunks": (64, 12, 16)},
            {"chunks": (64, 12, 16), "compression": "gzip"},
            {"chunks": (7, 5, 9), "compression": "lzf", "shuffle": True},
            {"chunks": (150, 1, 16), "compression": "gzip"},
            {"chunks": (150, 12, 16), "compression": "gzip", "fletcher32": True},
        ],
        ids=str,
    )
    def test_every_layout_in_any_order_from_threads(self, tmp_path, rng, kept):
        data = images(rng, 150)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("image_stack", data=data, **kept)
        order = rng.permutation(150)
        with read_stack(tmp_path / "a.h5") as stack, ThreadPoolExecutor(8) as pool:
            for t, frame in zip(order, pool.map(stack.read, order.tolist()), strict=True):
                assert np.array_equal(frame, data[t])

    @pytest.mark.parametrize("kind", ["u1", ">u2", "<u2", ">f4", "<f8", "f2", "?"])
    @pytest.mark.parametrize("n_in_chunk", [1, 4])
    def test_deflate_of_every_type(self, tmp_path, data, kind, n_in_chunk):
        wanted = (data % 2 if kind == "?" else data).astype(kind)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            for name, shuffle in (("plain", False), ("shuffled", True)):
                file.create_dataset(
                    name, data=wanted, chunks=(n_in_chunk, 12, 16), compression="gzip",
                    shuffle=shuffle,
                )  # fmt: skip
        for name in ("plain", "shuffled"):
            with read_stack(f"{tmp_path / 'a.h5'}::{name}") as stack:
                assert np.array_equal(everything(stack), wanted)

    @pytest.mark.parametrize("compression", ["lzf", "gzip"])
    def test_packed_chunk_is_unpacked_once(self, tmp_path, rng, monkeypatch, compression):
        data = images(rng, 100)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset(
                "image_stack", data=data, chunks=(64, 12, 16), compression=compression
            )
        reads = []
        through_hdf5, directly = FrameReader._through_hdf5, Unpacker.__call__
        monkeypatch.setattr(
            FrameReader,
            "_through_hdf5",
            lambda self, *images: reads.append(images[0]) or through_hdf5(self, *images),
        )
        monkeypatch.setattr(
            Unpacker, "__call__", lambda self, n: reads.append(64 * n) or directly(self, n)
        )
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(everything(stack), data)
        assert reads == [0, 64]

    def test_large_packed_chunks_are_kept_in_part(self, tmp_path, rng, monkeypatch):
        monkeypatch.setattr("napari_amseg.io.hdf5.frames._BLOCK_BYTES", 10 * 12 * 16 * 2)
        data = images(rng, 40)
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("image_stack", data=data, chunks=(32, 12, 16), compression="gzip")
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(everything(stack), data)
            kept = stack.read._blocks  # type: ignore[attr-defined]
            assert sum(block.nbytes for block in kept.values()) <= 2 * 10 * 12 * 16 * 2

    @pytest.mark.parametrize("kept", [{}, {"compression": "gzip"}, {"compression": "lzf"}])
    @pytest.mark.parametrize("n_in_chunk", [1, 8])
    def test_frames_are_the_callers_own(self, tmp_path, data, kept, n_in_chunk):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("image_stack", data=data, chunks=(n_in_chunk, 12, 16), **kept)
        with read_stack(tmp_path / "a.h5") as stack:
            stack[2][:] = 0
            assert np.array_equal(stack[2], data[2])

    def test_packed_file_with_frames_never_written(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            made = file.create_dataset(
                "image_stack", (20, 12, 16), "u2", chunks=(1, 12, 16), compression="gzip",
                fillvalue=7,
            )  # fmt: skip
            made[:11] = data
        with read_stack(tmp_path / "a.h5") as stack:
            assert np.array_equal(stack[10], data[10])
            assert (stack[11] == 7).all()

    @pytest.mark.parametrize("codec", ["Bitshuffle", "LZ4", "Zstd"])
    def test_compressions_of_detectors(self, tmp_path, data, codec):
        hdf5plugin = pytest.importorskip("hdf5plugin")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("image_stack", data=data, **getattr(hdf5plugin, codec)())
        code = (
            "import sys; from napari_amseg.io import read_stack; s = read_stack(sys.argv[1]);"
            "print(sum(int(f.sum()) for f in s))"
        )  # a fresh process, which has not imported the filters yet
        done = subprocess.run(
            [sys.executable, "-c", code, tmp_path / "a.h5"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert int(done.stdout) == int(data.sum())

    def test_missing_filter_names_what_to_install(self, tmp_path, data, monkeypatch):
        hdf5plugin = pytest.importorskip("hdf5plugin")
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset("image_stack", data=data, **hdf5plugin.Bitshuffle())
        monkeypatch.setitem(sys.modules, "hdf5plugin", None)  # as if it were not installed
        with pytest.raises(ValueError, match=r'pip install "napari-amseg\[formats\]"'):
            read_stack(tmp_path / "a.h5")

    def test_frames_never_written_are_said(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            part = file.create_dataset("image_stack", (20, 12, 16), "u2", chunks=(1, 12, 16))
            part[:11] = data
            file.create_dataset("empty", (20, 12, 16), "u2", chunks=(1, 12, 16))
        with read_stack(tmp_path / "a.h5") as stack:
            assert "9 of 20 chunks were never written" in stack.notes[0]
        with pytest.raises(ValueError, match="no pixel was ever written"):
            read_stack(f"{tmp_path / 'a.h5'}::empty")

    def test_absurd_size_is_refused(self, tmp_path):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            huge = file.create_dataset("image_stack", (2, 10**6, 10**6), "u2", chunks=(1, 64, 64))
            huge[0, :64, :64] = 1
        with pytest.raises(ValueError, match="is the file damaged"):
            read_stack(tmp_path / "a.h5")

    def test_raw_files_beside_it_are_refused(self, tmp_path, data):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file.create_dataset(
                "image_stack", data=data, external=[("frames.raw", 0, h5py.h5f.UNLIMITED)],
                efile_prefix=str(tmp_path),
            )  # fmt: skip
        with pytest.raises(ValueError, match="h5repack"):
            read_stack(tmp_path / "a.h5")

    def test_closed_stack_says_so(self, nexus):
        stack = read_stack(nexus)
        stack.close()
        stack.close()
        with pytest.raises(ValueError, match="was closed"):
            stack[0]


class TestDamage:
    def test_cut_off_and_foreign_files(self, nexus, tmp_path):
        whole = nexus.read_bytes()
        for name, content in (
            ("cut.nxs", whole[:-500]),
            ("no.h5", b"not HDF5" * 40),
            ("0.h5", b""),
        ):
            (tmp_path / name).write_bytes(content)
            with pytest.raises(ValueError, match=f"{name}: not a readable HDF5 file"):
                read_stack(tmp_path / name)

    def test_damaged_chunk_names_the_frame(self, tmp_path, data):
        path = tmp_path / "a.h5"
        with h5py.File(path, "w") as file:
            made = file.create_dataset(
                "image_stack", data=data, chunks=(1, 12, 16), compression="gzip"
            )
            place = made.id.get_chunk_info(4)
        content = bytearray(path.read_bytes())
        content[place.byte_offset + 4 : place.byte_offset + 60] = bytes(56)
        path.write_bytes(content)
        with read_stack(path) as stack:
            assert np.array_equal(stack[3], data[3])
            with pytest.raises(ValueError, match="frame 4 cannot be read"):
                stack[4]

    def test_file_that_another_program_writes(self, nexus):
        with h5py.File(nexus, "r+"):
            code = "import sys; from napari_amseg.io import read_stack; read_stack(sys.argv[1])"
            done = subprocess.run(
                [sys.executable, "-c", code, nexus], capture_output=True, text=True
            )
        assert "another program is writing it" in done.stderr

    def test_file_that_is_written_for_readers(self, tmp_path, data):
        path = tmp_path / "live.h5"
        with h5py.File(path, "w", libver="latest") as file:
            made = file.create_dataset("image_stack", data=data, maxshape=(None, 12, 16))
            file.swmr_mode = True
            made.flush()
            code = (
                "import sys; from napari_amseg.io import read_stack; s = read_stack(sys.argv[1]);"
                "print(len(s), int(s[10].sum()), s.notes[0])"
            )
            done = subprocess.run(
                [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
            )
        assert done.stdout.startswith(f"11 {data[10].sum()} the file is not closed by its writer")


def test_threads_share_no_state_beyond_the_lock(tmp_path, rng):
    data = images(rng, 200)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("image_stack", data=data, chunks=(16, 12, 16), compression="gzip")
    wrong: list[int] = []
    with read_stack(tmp_path / "a.h5") as stack:

        def look(seed: int) -> None:
            for t in np.random.default_rng(seed).integers(0, 200, 300).tolist():
                if not np.array_equal(stack.read(t), data[t]):
                    wrong.append(t)

        threads = [threading.Thread(target=look, args=(i,)) for i in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
