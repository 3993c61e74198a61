"""X-ray attenuation and refraction of the alloys melted at beamlines.

Attenuation is that of the Elam tables, the refractive decrement follows from Chantler's
form factors, both for the nominal compositions and densities given here. Between the tabulated
energies log attenuation is interpolated over log energy; the decrement falls with the square of
the energy, far from absorption edges as all of these are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

ENERGY_KEV = (20.0, 24.4, 30.0, 40.0, 50.0, 60.0, 80.0)
REFERENCE_KEV = 24.4


@dataclass(frozen=True, slots=True)
class Material:
    """One material.

    attenuation : linear attenuation, 1/cm, at the energies of :data:`ENERGY_KEV`.
    decrement : refractive decrement delta at 24.4 keV.
    """

    attenuation: tuple[float, ...]
    decrement: float


MATERIALS: dict[str, Material] = {
    "Ti-6Al-4V": Material((67.3, 38.1, 21.1, 9.41, 5.18, 3.28, 1.75), 1.433e-6),  # 4.43 g/cm3
    "AlSi10Mg": Material((9.46, 5.39, 3.09, 1.55, 1.00, 0.753, 0.544), 0.902e-6),  # 2.67 g/cm3
    "SS316": Material((199.5, 122.2, 68.3, 30.4, 16.4, 10.1, 4.98), 2.617e-6),  # 7.99 g/cm3
    "IN625": Material((246.7, 172.9, 97.8, 43.9, 23.7, 14.5, 6.95), 2.775e-6),  # 8.44 g/cm3
    "Al7A77": Material((18.6, 10.7, 6.05, 2.87, 1.70, 1.18, 0.74), 0.957e-6),  # 2.85 g/cm3
    "CP1": Material((11.8, 6.81, 3.91, 1.92, 1.20, 0.875, 0.601), 0.915e-6),  # 2.72 g/cm3
    "glassy carbon": Material((0.663, 0.486, 0.384, 0.311, 0.281, 0.263, 0.242), 0.523e-6),
}
METALS = tuple(name for name in MATERIALS if name != "glassy carbon")


def attenuation_per_cm(material: str, energy_kev: float) -> float:
    """Linear attenuation coefficient in 1/cm; energies from 20 to 80 keV.

    Raises
    ------
    ValueError
        If the energy is outside the table.
    KeyError
        If there is no such material.
    """
    if not ENERGY_KEV[0] <= energy_kev <= ENERGY_KEV[-1]:
        raise ValueError(f"no attenuation is known at {energy_kev:g} keV: choose 20 to 80 keV.")
    table = np.log(MATERIALS[material].attenuation)
    return float(np.exp(np.interp(np.log(energy_kev), np.log(ENERGY_KEV), table)))


def decrement(material: str, energy_kev: float) -> float:
    """Refractive decrement delta, n = 1 - delta."""
    return MATERIALS[material].decrement * (REFERENCE_KEV / energy_kev) ** 2


def wavelength_um(energy_kev: float) -> float:
    """Wavelength in micrometres."""
    return 1.239842e-3 / energy_kev
