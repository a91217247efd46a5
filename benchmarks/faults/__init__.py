"""Known defects, put into scenes on purpose: what they are, where, and how large."""
