"""The OpenVINO engine: the same masks as Keras in float32, from a network rebuilt and kept."""

import subprocess
import sys

import numpy as np
import pytest

from napari_amseg import load_bundle, read_stack
from napari_amseg.models import ModelCard, build, save_bundle
from napari_amseg.preprocess import Chain, Invert
from napari_amseg.scores import Confusion
from napari_amseg.segment import compiled_cache, make_engine

pytest.importorskip("openvino", reason="the OpenVINO engine is an extra: cpu")

SMALL = {"unet": 4, "resunet": 4, "squeezeunet": 4, "amsegnet-fast": 4}


@pytest.fixture
def empty_cache(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv(compiled_cache.CACHE_VARIABLE, str(folder))
    return folder


def lively(architecture, rng, n_classes=5):
    """A network whose every weight matters: no zeros, statistics of its own, soft decisions."""
    model = build(architecture, n_classes=n_classes, filters=SMALL.get(architecture, 2))
    for weight in model.weights:
        if not weight.path.endswith("kernel"):  # those are random already
            value = np.asarray(weight)
            spread = 1.0 if weight.path.endswith("variance") else 0.2
            weight.assign(value + spread * rng.random(value.shape, np.float32))
    # Logits of order one: an error shows everywhere, no class takes all.
    frames = rng.random((2, 32, 64, 1), np.float32)
    norm = model.get_layer("head_norm")
    before = np.asarray(model.__class__(model.input, norm.input)(frames))
    gamma, beta, _, _ = norm.get_weights()
    norm.set_weights([np.ones_like(gamma), np.zeros_like(beta), before.mean((0, 1, 2)),
                      before.var((0, 1, 2))])  # fmt: skip
    return model


def windows(frames):
    return np.ones(frames.shape[:2], np.float32), np.ones(frames.shape[::2], np.float32)


def test_every_network_is_rebuilt_with_the_same_numbers(network, rng, tmp_path, empty_cache):
    model = lively(network, rng)
    card = ModelCard(network, {"filters": SMALL.get(network, 2)})
    bundle = save_bundle(tmp_path / "m", model, card)
    frames = rng.random((2, 64, 96), np.float32)
    engine = make_engine(bundle, "openvino", precision="f32", confidence=True)
    found = engine.predict(frames, *windows(frames))
    softmax = np.asarray(model(frames[..., None]))
    assert len(np.unique(softmax.argmax(-1))) > 1
    np.testing.assert_allclose(found.confidence, 255 * softmax.max(-1), atol=0.52)
    assert (found.labels == softmax.argmax(-1) + 1).mean() >= 0.9999
    keras = make_engine(bundle, "keras", precision="f32").predict(frames, *windows(frames))
    np.testing.assert_allclose(found.areas, keras.areas, rtol=1e-3, atol=0.5)


def test_a_network_with_another_number_of_classes(rng, tmp_path, empty_cache):
    from napari_amseg.labels import DEFAULT_SCHEME

    scheme = DEFAULT_SCHEME.subset(("pore", "background"))
    model = lively("amsegnet", rng, n_classes=2)
    bundle = save_bundle(tmp_path / "m", model, ModelCard("amsegnet", {"filters": 2}, scheme))
    frames = rng.random((1, 32, 64), np.float32)
    found = make_engine(bundle, "openvino", precision="f32").predict(frames, *windows(frames))
    codes = np.array(scheme.codes)[np.asarray(model(frames[..., None])).argmax(-1)]
    assert (found.labels == codes).mean() >= 0.999


def real_frames(stack, bundle):
    """Some frames in the input range of the model."""
    chain = bundle.card.chain
    if "hpdc" in stack.files[0]:  # dark pores: the model knows bright ones
        chain = Chain((Invert(), *chain.steps))
    ready = chain.apply(stack)
    for t in np.unique(np.linspace(0, len(ready) - 1, 4).astype(int)):
        frame = ready.read(int(t))
        rows, columns = (n // 32 * 32 for n in frame.shape)
        yield frame[None, :rows, :columns]


@pytest.mark.parametrize(("precision", "least"), [("f32", 0.9999), ("bf16", 0.995)])
@pytest.mark.parametrize(
    "stack", ["ti64_plate", "hpdc", "amsegnet_test_images/lpbf.jpg", "powder_bed/rad_00001h.png"]
)
def test_masks_of_real_stacks_agree_with_keras_in_float32(stack, precision, least, real_data):
    bundle = load_bundle("fast")
    reference = make_engine(bundle, "keras", precision="f32")
    try:
        engine = make_engine(bundle, "openvino", precision=precision)
    except ValueError as error:
        pytest.skip(str(error))
    path = real_data / stack
    confusion, agreement = Confusion(bundle.card.scheme), []
    with read_stack(min(path.rglob("*.tif")) if path.is_dir() else path) as opened:
        for frame in real_frames(opened, bundle):
            found, expected = (e.predict(frame, *windows(frame)) for e in (engine, reference))
            confusion.add(expected.labels, found.labels)
            agreement.append(found.labels == expected.labels)
            # The sums are those of this very mask, however the network rounds.
            for i, code in enumerate((1, 2)):
                assert found.areas[0, i, 0] == np.count_nonzero(found.labels == code)
    assert np.mean(agreement) >= least
    # Pores are few pixels: the share of all pixels would not tell if they were lost.
    same = np.diagonal(confusion.counts)
    either = confusion.counts.sum(axis=1) + confusion.counts[:, :-1].sum(axis=0) - same
    # Twenty pixels are a speck of a class that is not there at all.
    assert (either - same <= np.maximum(20, 20 * (1 - least) * either)).all()


def test_a_kept_network_starts_without_keras_and_gives_the_same(empty_cache, rng, tmp_path):
    frame = rng.random((1, 64, 96), np.float32)
    first = make_engine(load_bundle("fast"), "openvino").predict(frame, *windows(frame))
    assert len(list(empty_cache.glob("*.blob"))) == 1
    np.save(tmp_path / "frame.npy", frame)
    code = (
        "import sys, numpy as np\n"
        "from napari_amseg import load_bundle\n"
        "from napari_amseg.segment import make_engine\n"
        f"frame = np.load({str(tmp_path / 'frame.npy')!r})\n"
        "ones = [np.ones((1, n), np.float32) for n in frame.shape[1:]]\n"
        "found = make_engine(load_bundle('fast'), 'openvino').predict(frame, *ones)\n"
        "assert 'keras' not in sys.modules and 'tensorflow' not in sys.modules\n"
        f"np.save({str(tmp_path / 'labels.npy')!r}, found.labels)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    np.testing.assert_array_equal(np.load(tmp_path / "labels.npy"), first.labels)


def test_a_damaged_entry_of_the_cache_is_made_anew(empty_cache, rng):
    frame = rng.random((1, 64, 96), np.float32)
    bundle = load_bundle("fast")
    first = make_engine(bundle, "openvino").predict(frame, *windows(frame))
    (entry,) = empty_cache.glob("*.blob")
    whole = entry.read_bytes()
    middle = len(whole) // 2
    for damaged in (whole[:middle], whole[:middle] + b"damage" + whole[middle + 6 :]):
        entry.write_bytes(damaged)
        again = make_engine(bundle, "openvino").predict(frame, *windows(frame))
        np.testing.assert_array_equal(again.areas, first.areas)
        assert entry.read_bytes() != damaged


def test_damaged_weights_are_refused_although_the_compiled_network_is_kept(
    empty_cache, rng, tmp_path
):
    model = lively("amsegnet", rng)
    bundle = save_bundle(tmp_path / "m", model, ModelCard("amsegnet", {"filters": 2}))
    make_engine(bundle, "openvino")
    weights = tmp_path / "m" / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ValueError, match="damaged"):
        make_engine(load_bundle(tmp_path / "m"), "openvino")


def test_a_cache_that_cannot_be_written_does_not_matter(tmp_path, monkeypatch, rng):
    in_the_way = tmp_path / "file"
    in_the_way.write_text("no folder")
    monkeypatch.setenv(compiled_cache.CACHE_VARIABLE, str(in_the_way))
    frame = rng.random((1, 32, 32), np.float32)
    engine = make_engine(load_bundle("fast"), "openvino")
    assert engine.predict(frame, *windows(frame)).labels.shape == (1, 32, 32)


def test_other_weights_are_another_entry(empty_cache, rng, tmp_path):
    for seed in range(2):
        model = lively("amsegnet", np.random.default_rng(seed))
        bundle = save_bundle(tmp_path / str(seed), model, ModelCard("amsegnet", {"filters": 2}))
        make_engine(bundle, "openvino")
    assert len(list(empty_cache.glob("*.blob"))) == 2


def test_only_the_latest_networks_are_kept(empty_cache, monkeypatch, rng, tmp_path):
    monkeypatch.setattr(compiled_cache, "MOST_KEPT", 2)
    empty_cache.mkdir()
    for n in range(3):
        (empty_cache / f"old-{n}.blob").write_bytes(b"")
    make_engine(load_bundle("fast"), "openvino")
    kept = {p.name for p in empty_cache.glob("*.blob")}
    assert len(kept) == 2
    assert any(name.startswith("amsegnet-fast") for name in kept)


def test_a_layer_that_is_not_known_is_named(rng):
    from napari_amseg.models.backend import keras
    from napari_amseg.segment.openvino_network import openvino_logits

    frame = keras.Input((None, None, 1))
    x = keras.layers.Conv2D(2, 1, padding="same", name="head_conv")(frame)
    x = keras.layers.GaussianNoise(0.1, name="noise")(x)
    model = keras.Model(frame, keras.layers.Softmax()(x))
    with pytest.raises(ValueError, match="noise is a GaussianNoise"):
        openvino_logits(model)


def test_the_first_calls_of_a_process_may_come_from_several_threads():
    """OpenVINO's Python hung now and then when they did."""
    code = (
        "import threading, numpy as np\n"
        "from napari_amseg import load_bundle\n"
        "from napari_amseg.segment import make_engine\n"
        "engine = make_engine(load_bundle('fast'), 'openvino')\n"
        "frame, side = np.zeros((1, 64, 64), np.float32), np.ones((1, 64), np.float32)\n"
        "work = [threading.Thread(target=engine.predict, args=(frame, side, side), daemon=True)"
        " for _ in range(6)]\n"
        "for thread in work: thread.start()\n"
        "for thread in work: thread.join(60)\n"
        "raise SystemExit(any(thread.is_alive() for thread in work))\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
