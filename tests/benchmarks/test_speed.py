"""The benchmarks of speed run, give what their pages are made of, and measure what they say.

Nothing here looks at how fast anything was.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import build
from napari_amseg.models.operations import count_operations

SIZE = (96, 128)
SMALL = {"size": SIZE, "filters": 2, "repeats": 1, "frames_of": []}


@pytest.fixture
def script(repository, monkeypatch):
    """Modules of ``benchmarks/`` by name."""
    monkeypatch.syspath_prepend(str(repository / "benchmarks"))
    return import_module


@pytest.fixture
def paper(script, tmp_path):
    return script("paper_network").paper_bundle(tmp_path / "paper", filters=2)


@pytest.mark.slow
def test_paper_network_gives_the_masks_that_are_in_its_frames(script, paper):
    frames, labels = script("paper_network").level_frames(SIZE)
    ready = script("inference").input_frames(paper, frames, len(frames))
    softmax = script("inference").plain_predict(paper, ready)
    found = np.asarray(DEFAULT_SCHEME.codes, np.uint8)[softmax.argmax(axis=-1)]
    assert set(np.unique(labels)) == {1, 2, 3, 4, 5}
    assert (found == labels).mean() > 0.9999


def test_all_its_layers_have_a_say(script, paper):
    frames, _ = script("paper_network").level_frames(SIZE)
    ready = script("inference").input_frames(paper, frames, 2)
    before = script("inference").plain_predict(paper, ready)
    kernel, bias = paper.model.get_layer("bottleneck_2_conv").get_weights()
    paper.model.get_layer("bottleneck_2_conv").set_weights([2 * kernel, bias])
    assert (script("inference").plain_predict(paper, ready) != before).any()


def test_frames_are_repeated_in_turn(script, paper):
    frames = np.arange(3 * 16 * 16, dtype=np.uint16).reshape(3, 16, 16)
    ready = script("inference").input_frames(paper, frames, 7)
    assert ready.dtype == np.float32
    np.testing.assert_array_equal(ready[[0, 1, 6]], ready[[3, 4, 0]])
    assert not np.array_equal(ready[0], ready[1])


@pytest.mark.slow
def test_inference_record_makes_its_table(script):
    given = argparse.Namespace(frames=5, models=["fast"], engines=["keras f32"], **SMALL)
    record = script("inference").measured(given)
    (row,) = record["rows"]
    assert row["agreement"] == 1
    assert row["frames_per_second"]["best"] > 0
    ratio = row["frames_per_second"]["best"] / record["peer"]["best"]
    assert row["times_peer"] == pytest.approx(ratio, abs=0.01)
    text = script("tables").inference(json.loads(json.dumps(record)))
    assert "| fast | keras f32 |" in text
    assert "100.00 %" in text


@pytest.mark.slow
def test_whole_runs_are_compared_with_their_stages(script, tmp_path):
    module = script("segmenting")
    from napari_amseg.models import load_bundle

    fast = load_bundle("fast")  # as the peer too: it is at hand
    case = module.Case(tmp_path / "case", "fast", 12, fast, SIZE)
    row = module.measured(case, argparse.Namespace(**SMALL))
    assert set(row["seconds"]) >= {"whole", "running", "peer", "inference", "read", "write"}
    assert row["seconds"]["running"] < row["seconds"]["whole"]
    assert row["stages_of_the_run"]["frames"] <= row["seconds"]["running"]
    assert len((case.out / "stack_frames.csv").read_text().splitlines()) == 1 + case.n
    assert row["pores_a_frame"] < 20
    record = {"machine": script("records").machine(), "rows": [row]}
    for name in ("segmenting", "stages"):
        assert "| fast | " in script("tables").TABLES[name][1](record)


def test_memory_counts_children(script):
    hungry = "import numpy, time; a = numpy.ones(25_000_000); time.sleep(1)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    run = script("memory").measure([sys.executable, "-c", parent])
    assert run["peak_mb"] > 200  # the child's array alone is 190 MB
    assert run["seconds"] > 1


def test_growth_is_of_the_further_frames(script):
    runs = [
        {"frames": 100, "frames_stage_s": 2.0, "peak_mb": 900.0, "ms_a_frame": 20.0},
        {"frames": 1100, "frames_stage_s": 12.0, "peak_mb": 910.5, "ms_a_frame": 10.9},
    ]
    found = script("memory").growth(runs)
    assert found == {
        "peak_mb": 10.5,
        "time_a_frame_ratio": 0.545,
        "slope_ms_a_frame": [10.0],
    }


def test_memory_refuses_a_full_disk(script, tmp_path):
    with pytest.raises(SystemExit, match="are needed: choose another folder"):
        script("memory").require_space(tmp_path, 1e18)


def test_layers_cost_what_a_person_counts(script):
    from napari_amseg.models.backend import keras

    layers = keras.layers
    frame = layers.Input((None, None, 1))
    wide = layers.ReLU()(layers.Conv2D(4, 3, padding="same", name="wide")(frame))
    small = layers.MaxPooling2D(name="pool")(wide)
    joined = layers.Concatenate()([layers.UpSampling2D()(small), wide])
    last = layers.Conv2D(2, 1, name="last")(joined)
    costs = script("roofline").layer_costs(keras.Model(frame, last), (16, 32))
    n = 16 * 32
    found = {
        c.name: (c.divisor, c.operations, c.map_bytes // 2, c.weight_bytes // 2) for c in costs
    }
    assert found == {
        "wide": (1, 2 * n * 9 * 4, n + 4 * n, 36 + 4),
        "pool": (2, 0, 4 * n + n, 0),
        "last": (1, 2 * n * 8 * 2, n + 4 * n + 2 * n, 16 + 2),  # up-sampled maps are read small
    }


@pytest.mark.parametrize("name", ["amsegnet", "amsegnet-fast"])
def test_operations_of_all_layers_are_those_of_the_network(script, name):
    model = build(name, n_classes=5, filters=4)
    costs = script("roofline").layer_costs(model, (64, 128))
    assert sum(c.operations for c in costs) == count_operations(model, (64, 128))


def test_limit_is_the_slower_of_computing_and_moving(script):
    roofline = script("roofline")
    chip = roofline.Chip("slow", tflop_s=1e-6, gbyte_s=1e-3)  # 1e6 operations, 1e6 bytes a second
    computes = roofline.LayerCost("a", 1, 3_000_000, 1_000_000, 0)
    moves = roofline.LayerCost("b", 1, 10, 1_000_000, 2_000_000)
    assert roofline.least_seconds([computes, moves], chip, 1) == pytest.approx(3 + 3)
    assert roofline.least_seconds([computes, moves], chip, 4) == pytest.approx(3 + 1.5)


def test_chips_are_not_mistaken(script):
    named = script("roofline").chip_named
    assert named("NVIDIA H100 PCIe").gbyte_s < named("NVIDIA H100 80GB HBM3").gbyte_s
    assert named("NVIDIA H200").name == "H200"
    assert named("NVIDIA GH200 480GB") is None
    assert named("") is None


@pytest.mark.slow
def test_gpu_script_runs_where_there_is_none(script, repository, tmp_path):
    out = tmp_path / "gpu.json"
    small = ["--size", *map(str, SIZE), "--filters", "2", "--frames", "4"]
    quick = ["--batches", "1", "4", "--seconds", "0.01", "-o", str(out)]
    subprocess.run(
        [sys.executable, str(repository / "benchmarks" / "gpu.py"), *small, *quick],
        check=True,
        capture_output=True,
    )
    record = json.loads(out.read_text(encoding="utf-8"))
    assert [row["network"] for row in record["rows"]] == ["paper", "fast"]
    for row in record["rows"]:
        rates = ("resident_frames_per_second", "measured_frames_per_second", "alone_ms")
        assert all(row[key] > 0 for key in rates)
        assert set(row["frames_per_second"]) == {"1", "4"}
    assert "| fast |" in script("tables").gpu(record)


def test_every_table_of_the_page_is_known_and_filled(script, repository, tmp_path):
    tables = script("tables")
    page = (repository / "docs/explanation/performance.md").read_text(encoding="utf-8")
    known = set(tables.TABLES)
    assert {name for _, name, _ in tables._SLOT.findall(page)} == known
    assert tables.filled_page(page, tmp_path) == (page, [])
    record = {"machine": {"cpu": "abacus", "cores": 1, "system": "wood"}}
    rates = {"measure": 1234, "tables_and_tracks": 3, "regionprops_table": 2}
    record["stacks"] = {
        "truth": {
            "frame": "8x8",
            "pores_a_frame": 1,
            "frames_per_second": rates,
            "faster_than_peer": 617.0,
        }
    }
    (tmp_path / "measuring.json").write_text(json.dumps(record))
    filled, names = tables.filled_page(page, tmp_path)
    assert names == ["measuring"]
    assert "| truth | 8x8 | 1 | 1,234 |" in filled
    assert "abacus, 1 cores" in filled
    assert tables.filled_page(filled, tmp_path)[0] == filled
    with pytest.raises(SystemExit, match="known are"):
        tables.filled_page("<!-- table: luck -->\n<!-- end -->", tmp_path)


def test_a_failed_benchmark_stops_no_other(script, monkeypatch, tmp_path):
    module = script("all")
    (tmp_path / "bad.py").write_text("raise SystemExit(3)")
    (tmp_path / "good.py").write_text("import sys; open(sys.argv[-1], 'w').write('{}')")
    monkeypatch.setattr(module, "HERE", tmp_path)
    monkeypatch.setattr(module, "SCRIPTS", (module.Script("bad"), module.Script("good")))
    monkeypatch.setattr(sys, "argv", ["all.py", "-o", str(tmp_path / "out")])
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "bad.json").write_text("of another day")
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.json"]


def test_all_names_scripts_that_are_there(script):
    module = script("all")
    for entry in module.SCRIPTS:
        assert (Path(module.HERE) / f"{entry.name}.py").is_file()
