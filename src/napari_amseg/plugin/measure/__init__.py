"""The *Measure* widget: numbers of label stacks over time."""
