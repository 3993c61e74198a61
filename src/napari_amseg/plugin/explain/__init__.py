"""The *Grad-CAM* widget."""
