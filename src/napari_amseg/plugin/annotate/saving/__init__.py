"""Saving to a benchmark, and exchanging labels with files."""
