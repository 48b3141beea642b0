"""Adaptation at test time, as pure functions of features and anchors."""
