"""Encoders written down plainly, layer by layer: what the fast ones must agree with and are timed against."""
