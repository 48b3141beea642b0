"""Evaluation: protocols, metrics and the rules by which an epoch is chosen."""
