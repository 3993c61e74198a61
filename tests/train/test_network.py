import numpy as np
import pytest

from napari_amseg.labels import DEFAULT_SCHEME
from napari_amseg.models import load_bundle
from napari_amseg.models.bundle import ModelCard, save_bundle
from napari_amseg.models.registry import build
from napari_amseg.preprocess import Chain, Normalise
from napari_amseg.train.network import NetworkChoice, wake

CASTING = DEFAULT_SCHEME.subset(["pore", "background"])
CHAIN = Chain((Normalise(out_high=255.0, keep_uint8=True),))


@pytest.fixture
def trained(tmp_path):
    model = build("amsegnet", n_classes=5, filters=1)
    card = ModelCard("amsegnet", {"filters": 1}, chain=CHAIN)
    return save_bundle(tmp_path / "trained", model, card)


def weights_of(model, prefix):
    return [w for x in model.layers if x.name.startswith(prefix) for w in x.get_weights()]


def test_the_same_scheme_keeps_every_weight(trained):
    choice = NetworkChoice(init=trained)
    model, notes = choice.model(DEFAULT_SCHEME, "float32")
    for ours, theirs in zip(model.get_weights(), trained.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    assert notes == ("started from trained",)
    assert choice.card(DEFAULT_SCHEME).chain == CHAIN  # the input range it was trained in


def test_another_scheme_gets_a_new_head(trained):
    model, notes = NetworkChoice(init=trained).model(CASTING, "float32")
    assert model.output_shape[-1] == 2
    for prefix in ("encoder_", "bottleneck_", "decoder_"):
        pairs = list(zip(weights_of(model, prefix), weights_of(trained.model, prefix), strict=True))
        assert pairs
        assert all(np.array_equal(a, b) for a, b in pairs)
    assert any("new head for pore, background" in note for note in notes)


def test_a_frozen_encoder_does_not_learn(trained):
    model, _ = NetworkChoice(init=trained, freeze_encoder=True).model(DEFAULT_SCHEME, "float32")
    names = {variable.path for variable in model.trainable_variables}
    assert not any("encoder_" in name for name in names)
    assert any("decoder_" in name for name in names)
    assert any("bottleneck_" in name for name in names)


def test_freezing_a_random_encoder_is_refused():
    with pytest.raises(ValueError, match="random start"):
        NetworkChoice(freeze_encoder=True)


def test_mixed_precision_keeps_weights_and_output_in_float32(trained, tmp_path):
    choice = NetworkChoice("amsegnet", {"filters": 1})
    model, _ = choice.model(DEFAULT_SCHEME, "mixed_bfloat16")
    assert {str(w.dtype) for w in model.weights} == {"float32"}
    output = model(np.zeros((1, 16, 16, 1), np.float32))
    assert "float32" in str(output.dtype)
    save_bundle(tmp_path / "mixed", model, choice.card(DEFAULT_SCHEME))
    again = load_bundle(tmp_path / "mixed").model
    assert again.layers[1].compute_dtype == "float32"
    for ours, theirs in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_a_start_that_sees_nothing_is_woken():
    model = build("amsegnet", n_classes=5, filters=2)
    first = next(layer for layer in model.layers if layer.weights)
    kernel, bias = first.get_weights()
    first.set_weights([-np.abs(kernel), bias])
    frames = np.random.default_rng(0).random((2, 1, 32, 32, 1), np.float32)
    assert np.array_equal(*(np.asarray(model(frame)) for frame in frames))  # blind
    wake(model)
    assert not np.array_equal(*(np.asarray(model(frame)) for frame in frames))
    seeing = [w.copy() for w in first.get_weights()]
    wake(model)
    assert all(np.array_equal(a, b) for a, b in zip(seeing, first.get_weights(), strict=True))


def test_init_is_not_another_network_than_asked_for(trained):
    with pytest.raises(ValueError, match=r"network is 'unet', but .* has 'amsegnet'"):
        NetworkChoice("unet", init=trained)
    with pytest.raises(ValueError, match=r"filters is 3, but .* has 1"):
        NetworkChoice(arguments={"filters": 3}, init=trained)
    NetworkChoice("amsegnet", {"filters": 1}, init=trained)


def test_the_same_codes_with_other_meanings_get_a_new_head(trained):
    from napari_amseg.labels import LabelClass, LabelScheme

    keyhole, pore, *others = DEFAULT_SCHEME.classes
    swapped = LabelScheme(
        (
            LabelClass(1, pore.name, pore.color, pore.role),
            LabelClass(2, keyhole.name, keyhole.color, keyhole.role),
            *others,
        )
    )
    model, notes = NetworkChoice(init=trained).model(swapped, "float32")
    assert any("new head" in note for note in notes)
    head = weights_of(model, "head_conv")[0]
    assert not np.array_equal(head, weights_of(trained.model, "head_conv")[0])
