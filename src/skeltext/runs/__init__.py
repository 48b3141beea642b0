"""Runs: their settings, their folders, the data that they name, and the encoders that they take over."""
