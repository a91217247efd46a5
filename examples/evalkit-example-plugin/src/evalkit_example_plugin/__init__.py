"""A judge and a generator for evalkit, to copy from."""
