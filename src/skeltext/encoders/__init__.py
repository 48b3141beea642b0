"""Skeleton encoders: plain modules from (N, C, T, V, M) to (N, D)."""
