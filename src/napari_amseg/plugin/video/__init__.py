"""The *Video* widget."""
