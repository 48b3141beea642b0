"""Data sets: what they are, their class splits, and the prepared store. Numpy only."""
