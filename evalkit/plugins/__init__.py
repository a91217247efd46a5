"""Plug-ins and presets: finds them by name through entry points, checks them and creates them."""

KINDS = ("benchmarks", "generators", "judges", "metrics", "exporters")
"""The kinds of plug-ins that a config names. `evalkit list` shows them."""
