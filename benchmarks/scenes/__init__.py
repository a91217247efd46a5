"""Procedural scenes: flat designs whose every letter, box and colour is known exactly."""
