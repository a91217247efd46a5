"""Measuring judges with known defects."""
