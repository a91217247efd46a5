"""What to ask: suites, procedural scenes with exact truth, labelled image folders."""
