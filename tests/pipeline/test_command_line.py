"""Commands as words: what they are made from is what the real command line reads back."""

from __future__ import annotations

import dataclasses
import json
import shlex
import subprocess
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import tifffile
import typer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from napari_amseg.cli.app import app
from napari_amseg.dataset.augment import AugmentSettings
from napari_amseg.explain import ExplainSettings
from napari_amseg.io import read_stack
from napari_amseg.labels import DEFAULT_SCHEME, LabelClass, LabelScheme
from napari_amseg.measure import MeasureSettings
from napari_amseg.measure.laser_frame import WindowSettings
from napari_amseg.measure.laser_line import LaserLine
from napari_amseg.models import load_bundle
from napari_amseg.pipeline import RunRequest
from napari_amseg.pipeline import command_line as commands
from napari_amseg.pipeline.command_parts import (
    absolute,
    codes_as_drawn,
    codes_word,
    settings_words,
    stack_word,
    with_full_paths,
)
from napari_amseg.pipeline.command_text import script_text, shell_text
from napari_amseg.pipeline.correlate import CorrelateSettings
from napari_amseg.pipeline.explain import ExplainRequest
from napari_amseg.pipeline.laser_frame import LaserRequest
from napari_amseg.pipeline.video import VideoRequest
from napari_amseg.pipeline.watch.events import WatchRequest, WatchSettings
from napari_amseg.preprocess import Background, Chain, Crop, FlatField, marked
from napari_amseg.report.video import VideoSettings
from napari_amseg.sample import simulate
from napari_amseg.segment import MapSettings, PostSettings, SegmentSettings
from napari_amseg.settings import options
from napari_amseg.train import TrainRequest, TrainSettings
from napari_amseg.types import Experiment, stack_from_array

ROOT = typer.main.get_command(app)
KNOWN = Experiment(pixel_size_um=1.9300000000000002, frame_rate_hz=1e5 / 3, scan_speed_mm_s=412.5)
CHAIN = Chain((Crop(y0=2, y1=20), Background(window=5)))


def records_of(function) -> list[type]:
    """The settings records among the parameters of a command."""
    return [hint for hint in get_type_hints(function).values() if hasattr(hint, "to_json")]


def wrapped_commands() -> dict[str, Any]:
    """The function of every command of ``amseg`` that takes settings records, by name."""
    found = {}
    for info in app.registered_commands:
        name = info.name or info.callback.__name__.replace("_", "-")
        function = info.callback.__wrapped__
        if records_of(function):
            found[name] = function
    return found


COMMANDS = wrapped_commands()


def parsed(words) -> dict[str, Any]:
    """What the command line makes of a command, by the names of its parameters."""
    assert words[0] == "amseg"
    with ROOT.commands[words[1]].make_context(words[1], list(words[2:])) as context:
        return context.params


def read_back(kind: type, values: dict[str, Any]) -> Any:
    return kind(**{option.name: values[option.name] for option in options(kind)})


def values(option) -> st.SearchStrategy:
    """Values that an option may have."""
    kinds = get_args(option.type) or (option.type,)
    kind = next(k for k in kinds if k is not type(None))
    low, high = option.low, option.high
    if option.choices:
        found = st.sampled_from(option.choices)
    elif kind is bool:
        found = st.booleans()
    elif kind is int:
        found = st.integers(
            -(10**9) if low is None else int(low), 10**9 if high is None else int(high)
        )
    elif kind is float:
        found = st.floats(low, high, allow_nan=False, allow_infinity=False)
    else:
        found = st.text(st.characters(exclude_categories=["C"]), max_size=12)
    return st.none() | found if type(None) in kinds else found


@st.composite
def filled(draw, kind: type) -> Any:
    """A settings record with random values, all of them allowed."""
    while True:
        drawn = {option.name: draw(values(option)) for option in options(kind)}
        for name, default in _BOUND.items():
            if name in drawn:
                drawn[name] = draw(st.sampled_from(default))
        try:
            return kind(**drawn)
        except ValueError:
            continue


# Free text that a record checks itself.
_BOUND = {"laser_on_frames": ("", "3:20", "0:7")}
_NEEDED = {
    "segment": ["s.tif"], "preprocess": ["s.tif"], "quantify": ["l.tif"], "laser": ["s.tif"],
    "explain": ["s.tif", "--frame", "1"], "video": ["s.tif", "l.tif"], "train": ["b"],
    "correlate": ["c.csv"], "spectrum": ["t.csv"], "batch": ["c.csv"], "watch": ["f"],
    "simulate": [], "compare": ["b", "--arch", "unet"], "evaluate": ["b", "--model", "m"],
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
@given(data=st.data())
def test_settings_records_of_every_command_are_read_back(name, data):
    kinds = records_of(COMMANDS[name])
    records = [data.draw(filled(kind)) for kind in kinds]
    words = ("amseg", name, *_NEEDED[name], *settings_words(*records), "-o", "out.tif")
    found = parsed(words)
    assert [read_back(kind, found) for kind in kinds] == records


def test_only_what_differs_from_a_default_is_written():
    assert settings_words(SegmentSettings(), MeasureSettings(), TrainSettings()) == ()
    assert settings_words(MapSettings(confidence=True), MeasureSettings(min_pore_area_px=2.5)) == (
        "--confidence", "--min-pore-area-px", "2.5"
    )  # fmt: skip


@pytest.fixture
def stack(tiff_file):
    with read_stack(tiff_file) as opened:
        yield dataclasses.replace(opened, experiment=KNOWN)


@pytest.fixture
def label_stack(tmp_path, frames):
    path = tmp_path / "masks of mine.tif"
    tifffile.imwrite(path, np.full(frames.shape, 3, np.uint8))
    with read_stack(path) as opened:
        yield dataclasses.replace(opened, experiment=KNOWN)


def same_numbers(found, *, speed=True):
    assert (found["pixel_size"], found["frame_rate"]) == (KNOWN.pixel_size_um, KNOWN.frame_rate_hz)
    assert not speed or found["scan_speed"] == KNOWN.scan_speed_mm_s


def test_segment(stack, tmp_path):
    request = RunRequest(
        stack, tmp_path / "out", "my run", CHAIN, SegmentSettings(precision="f32"),
        MapSettings(True), PostSettings(smallest_pore_px=4), MeasureSettings(laser_on_frames="1:4"),
    )  # fmt: skip
    found = parsed(commands.segment_words(request, load_bundle("fast")))
    assert read_back(SegmentSettings, found) == request.segment
    assert read_back(MapSettings, found) == request.maps
    assert read_back(PostSettings, found) == request.post
    assert read_back(MeasureSettings, found) == request.measure
    assert found["stack"] == stack.files[0]
    assert (found["name"], found["model"], found["overwrite"]) == ("my run", "fast", False)
    assert Path(found["out"]) == request.folder
    assert found["chain"] == marked(tmp_path / "out" / "my run_run.json", CHAIN)
    assert not any(found[k] for k in ("flat", "crop", "background", "invert"))
    same_numbers(found)
    elsewhere = commands.segment_words(request, load_bundle("fast"), chain=tmp_path / "c.json")
    assert parsed(elsewhere)["chain"] == str(tmp_path / "c.json")
    plain = dataclasses.replace(request, chain=Chain())
    assert parsed(commands.segment_words(plain, load_bundle("fast")))["chain"] is None


def test_quantify(label_stack, tmp_path):
    scheme = LabelScheme((LabelClass(255, "Keyhole", "#000000", "keyhole"),))
    request = RunRequest(label_stack, tmp_path, "x", measure=MeasureSettings(pinch_off_px=3.0))
    found = parsed(commands.quantify_words(request, scheme=scheme, truth=label_stack))
    assert read_back(MeasureSettings, found) == request.measure
    assert LabelScheme.parse(found["codes"]).code_of("keyhole") == 255
    assert found["labels"] == found["truth"] == label_stack.files[0]
    same_numbers(found)


def test_preprocess(stack, tmp_path):
    out, chain = tmp_path / "o.tif", tmp_path / "c.json"
    words = commands.preprocess_words(stack, out, chain=chain, dtype="uint8", compress=True)
    found = parsed(words)
    assert (found["dtype"], found["compress"], found["chain"]) == ("uint8", True, str(chain))
    assert Path(found["out"]) == out
    same_numbers(found, speed=False)


@settings(max_examples=15, deadline=None)
@given(training=filled(TrainSettings), augment=filled(AugmentSettings))
def test_train(training, augment):
    request = TrainRequest(
        Path("/b"), Path("/m"), "random", "unet", {"filters": 8}, settings=training, augment=augment
    )
    found = parsed(commands.train_words(request))
    assert read_back(TrainSettings, found) == training
    assert read_back(AugmentSettings, found) == augment
    assert (found["arch"], found["filters"], found["split"]) == ("unet", 8, "random")
    assert (found["init"], found["resume"], found["freeze_encoder"]) == (None, False, False)


def test_train_from_a_model_and_further():
    request = TrainRequest(Path("/b"), Path("/m"), init="fast", freeze_encoder=True)
    assert parsed(commands.train_words(request))["init"] == "fast"
    assert parsed(commands.train_words(request))["freeze_encoder"]
    resumed = TrainRequest(Path("/b"), Path("/m"), resume=True)
    assert commands.train_words(resumed) == ("amseg", "train", "/b", "--resume", "-o", "/m")
    with pytest.raises(ValueError, match="no option for depth"):
        commands.train_words(dataclasses.replace(request, arguments={"depth": 3}))


def test_laser(stack, label_stack, tmp_path):
    window = WindowSettings(ahead_px=11, to_the_right=True)
    line = LaserLine(-3.25, -1 / 3, 1, 4)
    request = LaserRequest(
        stack, tmp_path, "x", label_stack, rows=(3, 20), line=line, window=window, chain=CHAIN
    )
    found = parsed(commands.laser_words(request))
    assert read_back(WindowSettings, found) == window
    assert (found["labels"], found["codes"]) == (label_stack.files[0], None)
    assert found["chain"] == marked(tmp_path / "x_laser.json", CHAIN)
    assert found["rows"] == "3:20"
    from napari_amseg.cli.laser import _parse_line

    assert _parse_line(found["line"], 6) == line
    same_numbers(found)


def test_explain(stack, tmp_path):
    request = ExplainRequest(
        stack, 3, "pore", tmp_path, "x", CHAIN, ExplainSettings("stage_2", "all")
    )
    found = parsed(commands.explain_words(request, load_bundle("fast")))
    assert read_back(ExplainSettings, found) == request.settings
    assert (found["frame"], found["class_name"], found["model"]) == (3, "pore", "fast")
    assert found["chain"] == marked(tmp_path / "x_gradcam_pore_3_run.json", CHAIN)
    same_numbers(found, speed=False)


def test_video(stack, label_stack, tmp_path):
    looks = VideoSettings(fps=12.5, arrangement="row")
    request = VideoRequest(
        stack, label_stack, tmp_path / "v.mp4", label_stack, frames="0:4:2",
        limits=(-12.5, 3e4), settings=looks,
    )  # fmt: skip
    found = parsed(commands.video_words(request, chain=tmp_path / "c.json"))
    assert read_back(VideoSettings, found) == looks
    assert (found["frames"], found["chain"]) == ("0:4:2", str(tmp_path / "c.json"))
    from napari_amseg.cli.video import _parse_contrast

    assert _parse_contrast(found["contrast"]) == request.limits
    same_numbers(found, speed=False)


@settings(max_examples=15, deadline=None)
@given(kept=filled(CorrelateSettings))
def test_correlate(kept):
    found = parsed(commands.correlate_words("/a b/c.csv", Path("/out"), kept))
    assert read_back(CorrelateSettings, found) == kept
    assert (str(found["campaign"]), str(found["out"])) == ("/a b/c.csv", "/out")


def test_a_sequence_is_named_by_its_folder_or_a_pattern_or_not_at_all(tmp_path, frames):
    for t, frame in enumerate(frames):
        tifffile.imwrite(tmp_path / f"f{t}.tif", frame)
    with read_stack(tmp_path) as whole:
        assert stack_word(whole) == str(tmp_path)
    some = sorted(tmp_path.glob("*.tif"))[:3]
    with read_stack(some) as part, pytest.raises(ValueError, match="a folder of their own"):
        stack_word(part)
    tifffile.imwrite(tmp_path / "other9.tiff", frames[0])
    with read_stack(sorted(tmp_path.glob("*.tif"))) as tifs:
        word = stack_word(tifs)
    with read_stack(word) as again:
        assert again.files == tifs.files


def test_frames_in_memory_have_no_command(frames):
    with pytest.raises(ValueError, match="only in memory"):
        stack_word(stack_from_array(frames))
    assert commands.recorded(lambda: (stack_word(stack_from_array(frames)),)) is None


def test_watch(tmp_path):
    request = WatchRequest(
        tmp_path / "in", tmp_path / "out", CHAIN,
        SegmentSettings(precision="f32"), MapSettings(True),
        PostSettings(smallest_pore_px=4), MeasureSettings(pinch_off_px=3.0),
        WatchSettings(settle=2.5), *(1.93, 4e4, 412.5, 7.0),
    )  # fmt: skip
    words = commands.watch_words(request, load_bundle("fast"), chain=tmp_path / "c.json")
    found = parsed(words)
    for name in ("segment", "maps", "post", "measure", "watch"):
        record = getattr(request, name)
        assert read_back(type(record), found) == record
    assert (str(found["folder"]), str(found["out"])) == (str(request.folder), str(request.out))
    assert (found["chain"], found["model"]) == (str(tmp_path / "c.json"), "fast")
    assert (found["pixel_size"], found["frame_rate"]) == (1.93, 4e4)
    assert (found["scan_speed"], found["until_idle"], found["figures"]) == (412.5, 7.0, False)


def test_two_colons_in_the_name_of_a_folder_are_no_dataset(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert absolute("run::2/f.tif") == str(tmp_path / "run::2" / "f.tif")


def test_a_dataset_inside_a_file_stays_as_it_is(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert absolute("scan.nxs::entry/data") == f"{tmp_path}/scan.nxs::entry/data"
    assert absolute("scan.nxs") == str(tmp_path / "scan.nxs")
    chain = with_full_paths(Chain((FlatField(flat="s.nxs::flats", dark="d.tif"), Crop(y0=1))))
    flat = chain.steps[0]
    assert (flat.flat, flat.dark) == (f"{tmp_path}/s.nxs::flats", str(tmp_path / "d.tif"))
    assert flat.flat_after is None


def test_codes_of_classes_that_no_command_can_name():
    assert codes_word(DEFAULT_SCHEME) is None
    twice = LabelScheme((LabelClass(1, "a", "#000000", "keyhole"),
                         LabelClass(2, "b", "#000000", "dirt, wet")))  # fmt: skip
    with pytest.raises(ValueError, match="codes"):
        codes_word(twice)


def test_classes_that_a_command_draws_otherwise():
    assert codes_as_drawn(DEFAULT_SCHEME)
    keyhole, *others = DEFAULT_SCHEME.classes
    for change in ({"name": "Dampfkapillare"}, {"color": "#ff0000"}):
        own = LabelScheme((dataclasses.replace(keyhole, **change), *others))
        assert codes_word(own) is None
        assert not codes_as_drawn(own)


@given(
    st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), min_size=1)
)
def test_a_posix_shell_reads_the_words_back(words):
    assert shlex.split(shell_text(words)) == words


def test_a_script_is_run_by_a_shell_as_it_is_meant(tmp_path):
    words = ["printf", "%s\n", "it's", "$HOME *", "-o", "/a b/c", "--x=-1,2", "", "é"]
    script = tmp_path / "s.sh"
    script.write_bytes(script_text(words).encode())
    told = subprocess.run(["sh", str(script)], capture_output=True, check=True)
    assert told.stdout.decode() == "".join(f"{word}\n" for word in words[2:])


def test_on_windows_cmd_and_powershell_read_the_same():
    words = ["amseg", "segment", r"C:\my data\a&b.tif", "-o", r"C:\out"]
    assert shell_text(words, windows=True) == r'amseg segment "C:\my data\a&b.tif" -o C:\out'
    assert script_text(words, windows=True).endswith(" ^\r\n  -o C:\\out\r\n")
    assert subprocess.list2cmdline([r"C:\my data\a&b.tif"]) in shell_text(words, windows=True)
    assert shell_text(["amseg", "--line=120.5,4,0,9"], windows=True) == (
        'amseg "--line=120.5,4,0,9"'  # PowerShell makes a list of what is not in quotes
    )
    for name in ("100%", "a \u201cb\u201d", "a \u201eb"):
        with pytest.raises(ValueError, match="PowerShell"):
            shell_text(["amseg", f"C:\\{name}\\a.tif"], windows=True)


def test_the_record_of_a_run_says_how_to_repeat_it(stack, tmp_path):
    from typer.testing import CliRunner

    out = tmp_path / "out"
    words = ["preprocess", stack.files[0], "--crop", "2:20,4:30", "--background", "median"]
    runner = CliRunner()
    assert runner.invoke(app, [*words, "-o", str(out / "a.tif")]).exit_code == 0
    told = json.loads((out / "a_preprocess.json").read_text())["command"]
    assert told[-2:] == ["-o", str(out / "a.tif")]
    assert runner.invoke(app, [*told[1:-1], str(tmp_path / "b.tif")]).exit_code == 0
    assert (tmp_path / "b.tif").read_bytes() == (out / "a.tif").read_bytes()


def amseg(*words) -> str:
    """What a command says that fails; empty if it is done."""
    from typer.testing import CliRunner

    done = CliRunner().invoke(app, list(map(str, words)))
    assert done.exit_code in (0, 2), done.output
    return "" if done.exit_code == 0 else done.stderr


@pytest.fixture(scope="module")
def recording(tmp_path_factory) -> Path:
    """Six frames of a phantom."""
    frames = simulate().stack
    path = tmp_path_factory.mktemp("recording") / "stack.tif"
    tifffile.imwrite(path, np.stack([frames.read(t) for t in range(20, 26)]))
    return path


def test_a_kept_command_does_the_same_or_is_refused(recording, tmp_path):
    out, again = tmp_path / "out", tmp_path / "again"
    segment = ("segment", recording, "--engine", "keras", "--no-figures", "-o", out)
    assert not amseg(*segment, "--crop", "64:192,96:288")
    first = (out / "stack_labels.tif").read_bytes()
    kept = json.loads((out / "stack_run.json").read_text())["command"]
    assert not amseg(*kept[1:-1], again)
    assert (again / "stack_labels.tif").read_bytes() == first

    # Measured again, the record says so, and still has the chain of its labels.
    assert not amseg("quantify", out / "stack_labels.tif", "--name", "stack", "-o", out)
    assert json.loads((out / "stack_run.json").read_text())["preprocessing"] is None
    assert not amseg(*kept[1:-1], tmp_path / "third")
    assert (tmp_path / "third" / "stack_labels.tif").read_bytes() == first

    assert not amseg(*segment, "--invert")
    told = amseg(*kept[1:-1], tmp_path / "fourth")
    assert "another preprocessing chain" in told
    assert told.count("\n") == 1
    assert not (tmp_path / "fourth").exists()


def test_other_kept_commands_know_their_chain_too(recording, tmp_path):
    out = tmp_path / "out"
    laser = ("laser", recording, "--line=200,4,0,5", "-o", out, "--overwrite")
    assert not amseg(*laser, "--background", "median")
    kept = json.loads((out / "stack_laser.json").read_text())["run"]["command"]
    assert not amseg(*kept[1:-1], tmp_path / "again")
    one, other = (f / "stack_kymograph.tif" for f in (out, tmp_path / "again"))
    assert one.read_bytes() == other.read_bytes()
    assert not amseg(*laser, "--invert")
    assert "another preprocessing chain" in amseg(*kept[1:-1], tmp_path / "third")

    made = ("preprocess", recording, "-o", tmp_path / "p.tif", "--overwrite")
    assert not amseg(*made, "--crop", "0:64,0:64")
    kept = json.loads((tmp_path / "p_preprocess.json").read_text())["command"]
    assert not amseg(*made, "--crop", "0:32,0:64")
    assert "another preprocessing chain" in amseg(*kept[1:-1], tmp_path / "q.tif")

    explain = ("explain", recording, "--frame", 2, "--class", "keyhole", "-o", out, "--overwrite")
    assert not amseg(*explain, "--background", "median")
    kept = json.loads(next(out.glob("*_gradcam_*_run.json")).read_text())["command"]
    assert not amseg(*explain, "--invert")
    assert "another preprocessing chain" in amseg(*kept[1:-1], tmp_path / "fourth")
