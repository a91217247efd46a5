"""The page on which people label pictures of a run: one HTML file that needs no server and no network."""
