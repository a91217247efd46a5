"""The page of a sweep: quality against NFE and against seconds per picture, with its published JSON."""
