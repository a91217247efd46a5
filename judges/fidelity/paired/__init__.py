"""A picture against its twin, or against its prompt: the judges `fidelity`, `lpips`, `dists` and `clip-score`."""
