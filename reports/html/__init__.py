"""The HTML report: one folder that opens from file://."""
