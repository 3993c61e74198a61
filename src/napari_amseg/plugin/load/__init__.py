"""The *Load stack* widget."""
