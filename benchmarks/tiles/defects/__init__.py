"""Defects of tile scenes, with everything that is true of the picture: what judge-mini learns from."""
