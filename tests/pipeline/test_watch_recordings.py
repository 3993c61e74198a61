"""Recordings of several files in a watched folder: one stack each, by what it is made of."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from napari_amseg import read_stack
from napari_amseg.pipeline.watch.scan import FolderScan

HEADER = """#Camera Information Header
Record Rate(fps) : 50000
Total Frame : {n}
Image Width : 8
Image Height : 4
Color Type : Mono
Color Bit : 16
File Format : MRaw
EffectiveBit Depth : 12
EffectiveBit Side : Lower
"""
FRAMES = np.arange(3 * 4 * 8, dtype="<u2").reshape(3, 4, 8)


def found(scan):
    return [(source.name, source.is_sequence) for source in scan.look()]


@pytest.mark.parametrize("header_first", [True, False])
@pytest.mark.parametrize("n_frames", [1, 3])
def test_a_photron_recording_is_one_stack_whichever_file_comes_first(
    tmp_path, header_first, n_frames
):
    scan, data = FolderScan(tmp_path, set()), tmp_path / "run.mraw"
    assert found(scan) == []
    if header_first:
        (tmp_path / "run.cih").write_text(HEADER.format(n=n_frames))
        assert found(scan) == []  # nothing to segment yet
    data.write_bytes(FRAMES[:n_frames].tobytes()[:-10])
    assert found(scan) == [("run.mraw", False)]
    if not header_first:
        (tmp_path / "run.cih").write_text(HEADER.format(n=n_frames))
    data.write_bytes(FRAMES[:n_frames].tobytes())
    (source,) = scan.look()
    assert (source.name, source.stem, source.is_sequence) == ("run.mraw", "run", False)
    assert [path for path, *_ in source.seen] == [str(data), str(tmp_path / "run.cih")]
    with read_stack(list(source.files)) as stack:
        np.testing.assert_array_equal(np.stack(list(stack)), FRAMES[:n_frames])
        assert stack.files == tuple(path for path, *_ in source.seen)
    assert source.unchanged()
    (tmp_path / "run.cih").write_text(HEADER.format(n=n_frames + 1))
    assert not source.unchanged()


def test_numbered_recordings_are_no_sequence_of_images(tmp_path):
    for i in (1, 2):
        (tmp_path / f"run{i}.cih").write_text(HEADER.format(n=1))
        (tmp_path / f"run{i}.mraw").write_bytes(FRAMES[:1].tobytes())
    scan = FolderScan(tmp_path, set())
    assert found(scan) == [("run1.mraw", False), ("run2.mraw", False)]


def test_a_file_that_another_links_to_is_no_stack_of_its_own(tmp_path):
    (tmp_path / "raw").mkdir()
    with h5py.File(tmp_path / "raw" / "frames.h5", "w") as file:
        file["data"] = FRAMES
    scan = FolderScan(tmp_path, set())
    assert found(scan) == [("raw/frames.h5", False)]
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        entry = file.create_group("entry")
        entry.attrs["NX_class"] = "NXentry"
        entry.create_group("data").attrs["NX_class"] = "NXdata"
        entry["data"].attrs["signal"] = "data"
        entry["data/data"] = h5py.ExternalLink("raw/frames.h5", "data")
    assert found(scan) == [("scan.nxs", False)]
    (source,) = scan.look()
    names = [path for path, *_ in source.seen]
    assert names == [str(tmp_path / "scan.nxs"), str(tmp_path / "raw" / "frames.h5")]


def test_results_are_known_again_by_header_or_data(tmp_path):
    (tmp_path / "run.cih").write_text(HEADER.format(n=3))
    (tmp_path / "run.mraw").write_bytes(FRAMES.tobytes())
    (source,) = FolderScan(tmp_path, set()).look()
    assert source.is_named(str(tmp_path / "run.cih"))
    assert source.is_named(str(tmp_path / "run.mraw"))
    assert not source.is_named(str(tmp_path / "other.mraw"))
    assert not source.is_named(None)
