"""The stages: one file each, named like the stage, with its ``STAGE``."""
