"""Judges and metrics: instruments and models that look at pictures and return scores and located findings."""
