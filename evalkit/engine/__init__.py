"""The engine: a plan of plain data, and an executor that works it off into the store."""
