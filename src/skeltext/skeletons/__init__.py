"""Skeletons: layouts, clips, conversion between layouts and preprocessing. Numpy only."""
