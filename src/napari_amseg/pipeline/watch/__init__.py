"""Stacks segmented and measured as a camera writes them."""
