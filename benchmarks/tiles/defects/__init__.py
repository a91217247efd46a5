"""Pictures of tile scenes with known defects and their ground truth, for training judge-mini."""
