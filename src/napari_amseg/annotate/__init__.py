"""Ground truth made by people, and the aids that make it fast."""
