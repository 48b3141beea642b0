"""Training on a CPU by compiled loops: channels last, with as few passes over memory as the maths allows."""
