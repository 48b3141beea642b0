"""Texts: class descriptions of our own, text encoders and the embedding cache."""
