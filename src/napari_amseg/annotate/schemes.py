"""Sets of classes to annotate with, where no benchmark says which."""

from __future__ import annotations

from napari_amseg.labels import DEFAULT_SCHEME, LabelClass, LabelScheme

SPATTER = LabelClass(6, "spatter", "#ff7f0e", "spatter")
MELT_POOL = LabelClass(7, "melt pool", "#6fb1e8", "melt pool")

SCHEMES = {
    "the five of the paper": DEFAULT_SCHEME,
    "the five, spatter, melt pool": LabelScheme((*DEFAULT_SCHEME.classes, SPATTER, MELT_POOL)),
    "casting: pore, background": DEFAULT_SCHEME.subset(("pore", "background")),
}
