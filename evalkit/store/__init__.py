"""The run store: one SQLite file and a folder of content-addressed pictures, and the cache shared between runs."""
