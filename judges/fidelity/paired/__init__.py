"""Judges that compare a picture with its twin (`fidelity`, `lpips`, `dists`) or with its prompt (`clip-score`)."""
