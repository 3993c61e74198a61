import pytest

from napari_amseg.sample.materials import (
    METALS,
    attenuation_per_cm,
    decrement,
    wavelength_um,
)


@pytest.mark.parametrize(
    ("material", "per_cm"),
    [
        ("Ti-6Al-4V", 38.1),
        ("AlSi10Mg", 5.4),
        ("SS316", 122),
        ("IN625", 173),
        ("glassy carbon", 0.49),
    ],
)
def test_attenuation_at_the_energy_of_many_experiments(material, per_cm):
    assert attenuation_per_cm(material, 24.4) == pytest.approx(per_cm, rel=0.02)


@pytest.mark.parametrize("material", METALS)
def test_harder_photons_go_through_and_refract_less(material):
    energies = (20, 27, 35, 55, 80)
    values = [attenuation_per_cm(material, e) for e in energies]
    assert values == sorted(values, reverse=True)
    assert decrement(material, 48.8) == pytest.approx(decrement(material, 24.4) / 4)


def test_an_energy_outside_the_table_is_refused():
    with pytest.raises(ValueError, match="12 keV: choose 20 to 80"):
        attenuation_per_cm("SS316", 12)


def test_wavelength():
    assert wavelength_um(24.4) == pytest.approx(0.508e-4, rel=0.001)
