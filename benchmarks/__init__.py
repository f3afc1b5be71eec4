"""What measures: `bench_*.py` write result files with their provenance, `plot_*.py` pictures for the pages."""
