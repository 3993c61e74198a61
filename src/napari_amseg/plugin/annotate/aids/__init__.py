"""Aids: what makes labelling fast, each one step of undo."""
