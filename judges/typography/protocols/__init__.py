"""Text scores as published benchmarks define them, defects included, each under its own name.

Pure functions from what was asked for and what a reader read to numbers. They measure what their papers measured and
are for comparing with published tables, with the reader named there; for judging pictures use the judge itself.
"""
