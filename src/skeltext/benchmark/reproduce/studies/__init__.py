"""One file per question of the paper; each holds the tables or figures that answer it."""
