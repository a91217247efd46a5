"""What a run's scores mean: comparison, blame, gates and stability."""
