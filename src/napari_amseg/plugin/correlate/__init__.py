"""The *Correlate* widget: the maps of a campaign."""
