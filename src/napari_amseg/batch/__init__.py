"""Many stacks on one machine, a Dask cluster or SLURM: nothing here loads Dask before it runs."""
