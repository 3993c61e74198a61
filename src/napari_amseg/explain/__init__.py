"""Where a network looks: Grad-CAM for segmentation. Keras loads on first use only."""

from napari_amseg.explain.gradcam import (
    ExplainSettings,
    Explanation,
    GradCam,
    make_gradcam,
    named_class,
)

__all__ = ["ExplainSettings", "Explanation", "GradCam", "make_gradcam", "named_class"]
