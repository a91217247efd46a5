"""Procedural scenes: flat designs of which every letter, box and colour is known exactly."""
