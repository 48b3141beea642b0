"""`python -m skeltext` is the command `skeltext`."""

from skeltext.cli import main

main()
