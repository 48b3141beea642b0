"""Benchmarks: presets, the demo, the tables people read and the report page."""
