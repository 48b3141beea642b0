"""Formats: one reader per file format, all of them to a Clip. Numpy only."""
