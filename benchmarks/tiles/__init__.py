"""Tile scenes: small flat designs whose parts all stand on a grid of 16 px, for the mini models."""
