"""The *Preprocess* widget."""
