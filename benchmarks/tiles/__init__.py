"""Tile scenes for the mini models: small flat designs whose parts all stand on a grid of 16 px."""
