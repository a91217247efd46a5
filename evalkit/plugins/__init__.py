"""Plug-ins and presets, found by name through entry points."""
