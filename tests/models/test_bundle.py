"""The bundle: what it records, and what it refuses."""

from __future__ import annotations

import json

import pytest

from napari_amseg.models import ModelCard, build, bundled_models, load_bundle, save_bundle
from napari_amseg.preprocess import Chain, Normalise


@pytest.fixture(scope="module")
def model():
    return build("amsegnet", n_classes=5, filters=1)


@pytest.fixture
def bundle(tmp_path, model):
    card = ModelCard("amsegnet", {"filters": 1}, chain=Chain((Normalise(),)), training={"seed": 3})
    return save_bundle(tmp_path / "bundle", model, card)


def edit(bundle, **changes):
    path = bundle.folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_card_travels(bundle):
    card = load_bundle(bundle.folder).card
    assert card == bundle.card
    assert sorted(p.name for p in bundle.folder.iterdir()) == ["model.json", "model.weights.h5"]


def test_altered_weights_are_refused(bundle):
    with (bundle.folder / "model.weights.h5").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ValueError, match="SHA-256"):
        _ = load_bundle(bundle.folder).model


def test_weights_of_another_width_are_refused(bundle):
    edit(bundle, arguments={"filters": 2})
    with pytest.raises(ValueError, match="do not fit"):
        _ = load_bundle(bundle.folder).model


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"architecture": "os.system"}, "no network named"),
        ({"format_version": 9}, "update"),
        ({"label_scheme": [{"code": 1}]}, "label scheme"),
        ({"preprocessing": {}}, "steps"),
    ],
)
def test_altered_cards_are_refused(bundle, change, message):
    edit(bundle, **change)
    with pytest.raises(ValueError, match=message):
        load_bundle(bundle.folder)


def test_a_card_that_is_no_json(bundle):
    (bundle.folder / "model.json").write_text("{")
    with pytest.raises(ValueError, match="not a readable model card"):
        load_bundle(bundle.folder)


def test_a_missing_model_names_those_there_are(tmp_path):
    with pytest.raises(FileNotFoundError, match="shipped model"):
        load_bundle(tmp_path / "nothing")


def test_other_folders_are_never_overwritten(tmp_path, model):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileExistsError):
        save_bundle(tmp_path, model, ModelCard("amsegnet", {"filters": 1}))
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_a_bundle_is_replaced_only_when_asked(bundle, model):
    card = ModelCard("amsegnet", {"filters": 1}, training={"seed": 4})
    with pytest.raises(FileExistsError, match="a model already"):
        save_bundle(bundle.folder, model, card)
    assert load_bundle(bundle.folder).card.training == {"seed": 3}
    save_bundle(bundle.folder, model, card, overwrite=True)
    assert load_bundle(bundle.folder).card.training == {"seed": 4}
    assert len(list(bundle.folder.parent.iterdir())) == 1


def test_shipped_models_load():
    assert "fast" in bundled_models()
    for name in bundled_models():
        bundle = load_bundle(name)
        assert bundle.model.output_shape[-1] == len(bundle.card.scheme.classes)


def test_a_misspelt_name_is_told_the_one_that_was_meant(tmp_path):
    for nothing in ("", " "):
        with pytest.raises(FileNotFoundError, match=r"name of the model is empty\. Give .* fast"):
            load_bundle(nothing)
    with pytest.raises(FileNotFoundError, match=r"no such folder\). Did you mean fast\?"):
        load_bundle("fats")
    with pytest.raises(FileNotFoundError, match=r"\(model\.json is missing\)"):
        load_bundle(tmp_path)
