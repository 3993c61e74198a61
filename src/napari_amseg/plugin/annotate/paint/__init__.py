"""Painting by hand."""
