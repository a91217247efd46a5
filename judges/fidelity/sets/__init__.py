"""Figures over whole sets of pictures, each with its interval: Fréchet distances and kernel distances."""
