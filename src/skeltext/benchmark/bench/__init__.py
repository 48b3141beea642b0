"""How fast this machine does each stage, against the same stage written down plainly, in one run."""
