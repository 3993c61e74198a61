"""The *Watch folder* widget."""
