"""The files that the pages of the documentation presume: small, simulated, made once a session."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from napari_amseg.labels import Label
from napari_amseg.sample import PhantomSettings, simulate

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

PIXEL_UM, RATE_HZ = 4.31, 40_000.0
SIZE = {"height_px": 64, "width_px": 128, "oversampling": 2, "pixel_size_um": PIXEL_UM,
        "frame_rate_hz": RATE_HZ, "window_particles": 10}  # fmt: skip


class Presumed:
    """Makes a presumed file or folder the first time it is asked for, and copies it.

    Names are those of the pages, relative to the folder in which the reader types; a name that
    means something else on one page is looked up as ``page:name`` first.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made: dict[str, Path] = {}

    def has(self, name: str, page: str, *, only: bool = False) -> bool:
        """Whether a page may presume `name`; `only`: this page in particular."""
        return f"{page}:{name}" in MAKERS or (name in MAKERS and not only)

    def put(self, name: str, page: str, target: Path) -> None:
        """Copy what `name` stands for on `page` into the folder `target`."""
        key = f"{page}:{name}" if f"{page}:{name}" in MAKERS else name
        if key not in self.made:
            place = self.folder / str(len(self.made))
            (place / name).parent.mkdir(parents=True)
            self.made[key] = place
            MAKERS[key](self, place / name)
        shutil.copytree(self.made[key], target, dirs_exist_ok=True)

    def stack(self, n_frames: int, *, seed: int, **settings: object) -> tuple[np.ndarray, ...]:
        """Frames and exact labels, (T, Y, X), of a small phantom."""
        chosen = {**SIZE, "n_frames": n_frames, "seed": seed, "laser_off_frames": 1, **settings}
        phantom = simulate(PhantomSettings(**chosen))
        return tuple(np.stack(list(stack)) for stack in (phantom.stack, phantom.labels))


@pytest.fixture(scope="session")
def presumed(tmp_path_factory: pytest.TempPathFactory) -> Presumed:
    """What the pages presume, for copying."""
    return Presumed(tmp_path_factory.mktemp("presumed"))


def usual_stack(at: Presumed, times: int = 3) -> tuple[np.ndarray, ...]:
    """48 frames: 16 simulated ones, again and again."""
    frames, labels = at.stack(16, seed=12)
    return np.tile(frames, (times, 1, 1)), np.tile(labels, (times, 1, 1))


def long_stack(at: Presumed) -> tuple[np.ndarray, ...]:
    """208 frames, for pages that name frames far from the start."""
    return usual_stack(at, 13)


def slow_stack(at: Presumed) -> tuple[np.ndarray, ...]:
    """48 frames in which the laser crosses the frame once, on a bare plate."""
    return at.stack(48, seed=3, scan_speed_m_s=0.4, powder_layer_um=0, window_particles=0)


def half_done(labels: np.ndarray, keys: tuple[int, ...]) -> np.ndarray:
    """Labels with the keyhole drawn in key frames only, unlabelled in the others."""
    left_out = labels == Label.KEYHOLE
    left_out[list(keys)] = False
    return np.where(left_out, 0, labels).astype(np.uint8)


def casting(at: Presumed) -> tuple[np.ndarray, ...]:
    """13 frames of dark pores in bright metal, uint8; labels pore 2 and 4 for what surrounds it."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:64, :128]
    labels = np.full((13, 64, 128), 4, np.uint8)
    for frame in labels:
        for row, column in zip(rng.integers(8, 56, 4), rng.integers(8, 120, 4), strict=True):
            frame[(y - row) ** 2 + (x - column) ** 2 < 20] = 2
    grey = np.where(labels == 2, 90, 160) + rng.normal(0, 6, labels.shape)
    return grey.clip(0, 255).astype(np.uint8), labels


def write(path: Path, frames: np.ndarray) -> None:
    tifffile.imwrite(path, frames, photometric="minisblack", metadata=None)


def tables(at: Presumed, path: Path) -> None:
    """The results of `amseg quantify` for the usual stack, made in the folder of `path`."""
    from typer.testing import CliRunner

    from napari_amseg.cli import app

    labels = path.parent / "run12_labels.tif"
    write(labels, usual_stack(at)[1])
    given = ["quantify", labels, "--pixel-size", PIXEL_UM, "--frame-rate", RATE_HZ]
    done = CliRunner().invoke(app, [str(a) for a in (*given, "-o", path.parent)])
    assert done.exit_code == 0, done.output


def campaign(at: Presumed, path: Path) -> None:
    """Two stacks and their table."""
    rows = ["experiment,stack,pixel_size_um,frame_rate_hz,laser_power_w,scan_speed_mm_s"]
    for n in (1, 2):
        write(path.parent / f"run_{n}.tif", at.stack(8, seed=n)[0])
        rows.append(f"run_{n},run_{n}.tif,{PIXEL_UM},{RATE_HZ},200,500")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def measured_campaign(at: Presumed, path: Path) -> None:
    """Eight measured experiments, half of them with pores, and their table."""
    from napari_amseg.io import read_stack
    from napari_amseg.pipeline import RunRequest, quantify_to_files

    folder = path if path.suffix == "" else path.parent / "measured"
    rows = ["experiment,summary,laser_power_w,scan_speed_mm_s"]
    for n in range(6):
        labels = at.stack(6, seed=n, pore_every_frames=3 * (n % 2), fluctuation=0.05 * (n + 1))[1]
        name = f"P{n}"
        (folder / name).mkdir(parents=True)
        write(folder / name / f"{name}_labels.tif", labels)
        with read_stack(folder / name / f"{name}_labels.tif", pixel_size_um=PIXEL_UM) as stack:
            quantify_to_files(RunRequest(stack=stack, folder=folder / name, stem=name))
        rows.append(f"{name},{folder.name}/{name}/{name}_summary.json,{200 + 10 * n},{500 + n}")
    if folder != path:
        path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def masks(at: Presumed, path: Path) -> None:
    """Numbered PNGs of the keyhole: 255 inside."""
    from PIL import Image

    path.mkdir()
    for t, frame in enumerate(slow_stack(at)[1]):
        image = Image.fromarray(np.where(frame == Label.KEYHOLE, 255, 0).astype(np.uint8))
        image.save(path / f"mask_{t:04d}.png")


def single_mask(frame: int) -> Callable[[Presumed, Path], None]:
    def make(at: Presumed, path: Path) -> None:
        from PIL import Image

        Image.fromarray(slow_stack(at)[1][frame]).save(path)

    return make


def bench(
    at: Presumed, path: Path, names: str = "run3 run4 practice", *, shifted: bool = False
) -> None:
    """Annotated experiments of a dozen frames each; `shifted` is by another person."""
    from napari_amseg.dataset import add_frames, create_benchmark
    from napari_amseg.types import Experiment, stack_from_array

    made = create_benchmark(path)
    for seed, name in enumerate(names.split()):
        frames, labels = at.stack(12, seed=seed, pore_every_frames=2)
        labels = np.roll(labels, 1, axis=2) if shifted else labels
        known = Experiment(experiment=name, pixel_size_um=PIXEL_UM, frame_rate_hz=RATE_HZ)
        images, truth = (stack_from_array(a, experiment=known) for a in (frames, labels))
        made = add_frames(made, images, truth, known)


def annotated_frames(at: Presumed, path: Path) -> None:
    """A benchmark in which the annotation dock saved a frame twice: it has a backup."""
    from napari_amseg.annotate.annotation import Status
    from napari_amseg.annotate.load import load_frames
    from napari_amseg.annotate.save import FrameToSave, SaveTarget, save_frames
    from napari_amseg.dataset import open_benchmark
    from napari_amseg.labels import DEFAULT_SCHEME
    from napari_amseg.types import Experiment, stack_from_array

    frames, labels = at.stack(13, seed=3)
    target = SaveTarget(path, Experiment(experiment="run3"), DEFAULT_SCHEME, "Ann")
    base = None
    for change in (0, 1):
        drawn = np.roll(labels[12], change, axis=1)
        frame = FrameToSave(12, "0012", drawn, Status.COMPLETE, base)
        list(save_frames(target, stack_from_array(frames), [frame]))
        (saved,) = load_frames(open_benchmark(path), "run3")
        base = saved.sha256


def photodiode(at: Presumed, path: Path) -> None:
    """200 kHz, on the clock of the stack but for an offset of 13.2 ms."""
    time_us = 5.0 * np.arange(1_000) - 13_200
    volts = np.random.default_rng(2).normal(1, 0.1, time_us.size)
    rows = (f"{t},{v:.4f}" for t, v in zip(time_us, volts, strict=True))
    path.write_text("\n".join(["time,photodiode", *rows]) + "\n", encoding="utf-8")


def weld_depth(at: Presumed, path: Path) -> None:
    """A depth series of 5 kHz as its page describes it."""
    depth = 2 + np.random.default_rng(3).normal(0, 0.1, 4_000)
    rows = (f"{t / 5000:.4f};{d:.4f}" for t, d in enumerate(depth))
    path.write_text("\n".join(["time;depth", *rows]) + "\n", encoding="utf-8")


def incoming(at: Presumed, path: Path) -> None:
    path.mkdir()
    write(path / "run1.tif", at.stack(8, seed=1)[0])


def wide(at: Presumed, path: Path) -> None:
    write(path, at.stack(6, seed=1, height_px=256, width_px=512)[0])


def bench_of_two(at: Presumed, path: Path) -> None:
    """As `bench`, split: what a training or a comparison starts from."""
    from napari_amseg.dataset import listed_split, open_benchmark, save_split

    bench(at, path)
    benchmark = open_benchmark(path)
    split = listed_split(benchmark, validation=["run4/*"], test=["practice/*"])
    save_split(benchmark, split)


def demo(at: Presumed, path: Path) -> None:
    """What of `amseg demo` the pages go on with, in small: 60 frames."""
    path.mkdir()
    frames, labels = at.stack(60, seed=6)
    write(path / "phantom.tif", frames)
    write(path / "phantom_labels.tif", labels)


def trained(at: Presumed, path: Path) -> None:
    """A model bundle: where no training is run, the shipped one."""
    from napari_amseg.models import load_bundle

    shutil.copytree(load_bundle("fast").folder, path)


def scan(at: Presumed, path: Path) -> None:
    """A NeXus file of a detector with flats and darks, and of a second camera."""
    import h5py

    frames, _ = at.stack(6, seed=1)
    flats = np.random.default_rng(5).normal(3000, 5, (4, *frames.shape[1:]))
    darks = np.random.default_rng(6).normal(100, 5, (2, *frames.shape[1:]))
    with h5py.File(path, "w") as file:
        detector = file.create_group("entry/instrument/detector")
        detector["data"] = np.concatenate([darks, flats, frames]).astype(np.uint16)
        detector["image_key"] = np.repeat([2, 1, 0], [len(darks), len(flats), len(frames)])
        file["entry/pco/data"] = frames


def beam(level: float) -> Callable[[Presumed, Path], None]:
    def make(at: Presumed, path: Path) -> None:
        counts = np.random.default_rng(4).normal(level * 1000, 5, (5, 256, 512))
        write(path, counts.clip(0).astype(np.uint16))

    return make


def photron(at: Presumed, path: Path) -> None:
    """A recording of 16 bit: a header beside its frames."""
    frames = slow_stack(at)[0][:12].astype("<u2")
    n, height, width = frames.shape
    path.with_suffix(".mraw").write_bytes(frames.tobytes())
    path.write_text(
        f"""<cih><imageFileInfo><fileFormat>Mraw</fileFormat></imageFileInfo><imageDataInfo>
        <resolution><width>{width}</width><height>{height}</height></resolution>
        <colorInfo><type>Mono</type><bit>16</bit></colorInfo>
        <effectiveBit><depth>12</depth><side>Lower</side></effectiveBit></imageDataInfo>
        <frameInfo><totalFrame>{n}</totalFrame></frameInfo>
        <recordInfo><recordRate>{RATE_HZ:g}</recordRate></recordInfo></cih>"""
    )


def part(which: int, source: Callable[[Presumed], tuple[np.ndarray, ...]]):
    """One of frames and labels that `source` gives, written as a stack."""

    def make(at: Presumed, path: Path) -> None:
        write(path, source(at)[which])

    return make


MAKERS: dict[str, Callable[[Presumed, Path], None]] = {
    "run12.tif": part(0, usual_stack),
    "run12_labels.tif": part(1, usual_stack),
    "run12_truth.tif": part(1, usual_stack),
    "results/run12_labels.tif": part(1, usual_stack),
    "results/run12_frames.csv": tables,
    "run12_frames.csv": tables,
    "docs/how-to/preprocess.md:run12.tif": wide,
    "docs/how-to/explain.md:run12.tif": part(0, long_stack),
    "docs/how-to/video.md:run12.tif": part(0, long_stack),
    "docs/how-to/video.md:run12_truth.tif": part(1, long_stack),
    "docs/how-to/video.md:results/run12_labels.tif": part(1, long_stack),
    "flat.tif": beam(3),
    "dark.tif": beam(0.1),
    "run3.tif": part(0, slow_stack),
    "run3_labels.tif": part(1, slow_stack),
    "results/run3_labels.tif": part(1, slow_stack),
    "run1.tif": part(0, slow_stack),
    "run1_labels.tif": part(1, slow_stack),
    "run2.tif": part(0, slow_stack),
    "run2_labels.tif": part(1, slow_stack),
    "run4.tif": lambda at, path: write(path, at.stack(12, seed=4)[0]),
    "new.tif": part(0, casting),
    "images.tif": part(0, casting),
    "labels.tif": part(1, casting),
    "plate.tif": lambda at, path: write(path, at.stack(10, seed=8)[0]),
    "plate_labels.tif": lambda at, path: write(path, at.stack(10, seed=8)[1]),
    "anna_labels.tif": part(1, slow_stack),
    "ben_labels.tif": lambda at, path: write(path, np.roll(slow_stack(at)[1], 1, axis=2)),
    "docs/how-to/annotate-command-line.md:run3_labels.tif": lambda at, path: write(
        path, half_done(slow_stack(at)[1], (0, 10, 20))
    ),
    "masks": masks,
    "f12.png": single_mask(12),
    "f40.png": single_mask(40),
    "campaign.csv": campaign,
    "docs/how-to/correlate.md:campaign.csv": measured_campaign,
    "docs/how-to/correlate.md:results": measured_campaign,
    "incoming": incoming,
    "scan.nxs": scan,
    "docs/how-to/evaluate.md:bench": bench_of_two,
    "drop.cihx": photron,
    "photodiode.csv": photodiode,
    "IFSW-7_centered_depth.csv": weld_depth,
    "bench": bench,
    "benchmark": bench_of_two,
    "docs/how-to/dataset.md:bench": lambda at, path: bench(at, path, "run4 run5"),
    "demo": demo,
    "mymodel": trained,
    "docs/reference/annotation-files.md:bench": annotated_frames,
    "docs/tutorials/first-annotation.md:bench": lambda at, path: bench(at, path, shifted=True),
}
