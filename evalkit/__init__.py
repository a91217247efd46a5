"""evalkit: is the few-step student as good as the teacher it was distilled from?

The package itself imports nothing: `evalkit --help` must stay instant.
"""

__version__ = "0.1.0"
