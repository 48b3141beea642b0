"""The recognizer: a trained checkpoint and what people do with it."""
