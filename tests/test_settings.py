"""Options are declared once, checked once."""

from dataclasses import dataclass

import pytest

from napari_amseg.settings import Settings, options, setting


@dataclass(frozen=True, slots=True)
class Some(Settings):
    batch_size: int = setting(8, low=1, high=64, unit="frames", help="Frames a call.")
    pixel_size_um: float | None = setting(None, low=0.01, unit="µm", help="Pixel size.")
    mode: str = setting("a", choices=("a", "b"), help="Which way.")


def test_options_carry_what_a_form_needs():
    batch, pixel, mode = options(Some)
    assert (batch.low, batch.high, batch.unit, batch.default) == (1, 64, "frames", 8)
    assert pixel.label == "pixel size (µm)"
    assert mode.choices == ("a", "b")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0 frames: it must be at least 1 and at most 64"),
        ({"batch_size": 65}, "at most 64"),
        ({"pixel_size_um": float("nan")}, "pixel_size_um is nan"),
        ({"mode": "c"}, "choose one of a, b"),
    ],
)
def test_values_are_checked(given, message):
    with pytest.raises(ValueError, match=message):
        Some(**given)


def test_none_is_allowed_where_nothing_is_known():
    assert Some().to_json() == {"batch_size": 8, "pixel_size_um": None, "mode": "a"}
