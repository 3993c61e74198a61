"""The *Annotate* widget."""
