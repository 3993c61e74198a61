"""A model that suggests labels and learns from corrections."""
