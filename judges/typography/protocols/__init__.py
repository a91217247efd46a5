"""Text scores as published benchmarks define them, including their defects, each under its own name.

These are pure functions of the expected text and the text that a reader read. They reproduce the scores of their papers
and serve for comparison with published tables, with the reader named there. To judge pictures, use the judge itself.
"""
