"""What CI reads: JUnit XML and a Markdown summary."""
