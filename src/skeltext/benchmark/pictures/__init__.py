"""Pictures for print: one file per kind, plain data in, a png file out."""
