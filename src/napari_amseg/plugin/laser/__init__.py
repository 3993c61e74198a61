"""The *Laser frame* widget."""
