"""Studies: what has a hypothesis and a seed."""
