"""Injects known defects into scenes and pictures, and records their kind, place and size."""
