"""The cases that models are asked: suites, procedural scenes with exact truth, and labelled image folders."""
