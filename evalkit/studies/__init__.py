"""Studies built from many runs or many pictures: step sweeps, ablations, faults, calibration."""
