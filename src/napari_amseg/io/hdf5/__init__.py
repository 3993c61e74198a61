"""HDF5 stacks: NeXus, Data Exchange and plain files."""
