"""Label schemes: the contract's codes and colours, and what is refused."""

import pytest

from napari_amseg.labels import DEFAULT_SCHEME, LabelClass, LabelScheme


def test_the_five_classes_of_the_paper():
    assert [(c.code, c.name, c.color) for c in DEFAULT_SCHEME.classes] == [
        (1, "keyhole", "#541352"),
        (2, "pore", "#d62728"),
        (3, "substrate", "#2f9aa0"),
        (4, "background", "#10a53d"),
        (5, "powder", "#ffcf20"),
    ]


def test_json_round_trip_and_subset():
    assert LabelScheme.from_json(DEFAULT_SCHEME.to_json()) == DEFAULT_SCHEME
    casting = DEFAULT_SCHEME.subset(["pore", "background"])
    assert casting.codes == (2, 4)
    assert casting.code_of("keyhole") is None


@pytest.mark.parametrize(
    "text", ["keyhole", "keyhole=x", "keyhole=1,pore=1", "pore=0", "pore=256", "pore=1,pore=2"]
)
def test_bad_codes(text):
    with pytest.raises(ValueError, match=r"write role=code|twice|outside"):
        LabelScheme.parse(text)


def test_bad_schemes():
    with pytest.raises(ValueError, match="at least one"):
        LabelScheme(())
    one = LabelClass(1, "a", "#000000", "a")
    with pytest.raises(ValueError, match="twice"):
        LabelScheme((one, one))
    with pytest.raises(ValueError, match="needs code, name"):
        LabelScheme.from_json([{"code": 1}])
