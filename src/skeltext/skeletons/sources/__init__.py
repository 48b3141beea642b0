"""Sources: what pose estimators and sensors hand over in memory becomes a Clip, without any of their packages."""
