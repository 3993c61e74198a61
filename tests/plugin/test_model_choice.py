"""The line below the choice of a model says what it was trained on."""

from __future__ import annotations

from dataclasses import replace

import pytest

from napari_amseg.models import bundled_models, load_bundle
from napari_amseg.plugin.model_choice import describe


@pytest.mark.parametrize("name", bundled_models())
def test_a_shipped_model_says_that_it_never_saw_a_real_frame(name):
    bundle = load_bundle(name)
    assert describe(bundle)[0] == (
        "trained on simulated frames only: check pores and keyhole outline"
    )
    record = {k: v for k, v in bundle.card.training.items() if k != "simulated_only"}
    other = replace(bundle, card=replace(bundle.card, training=record))
    assert describe(other)[0] == f"trained on {record['data']}"
