"""What the commands do, a file for each: a signature is its options, and imports are inside for an instant help."""
