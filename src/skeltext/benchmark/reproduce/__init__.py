"""Reproduce: the tables and figures of the PGFA paper, each beside what is measured here."""
