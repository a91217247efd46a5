"""Trains teachers and distils students, for any flow-matching transformer of the Qwen-Image family."""
