"""What CI reads: a verdict for machines, JUnit XML, a Markdown summary, and what GitHub shows."""
