"""Training: one loop for every method, and the folder of a run."""
