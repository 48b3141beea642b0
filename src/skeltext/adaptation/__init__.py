"""Adaptation at test time: prototype alignment of a whole set, and a bank that follows a stream."""
