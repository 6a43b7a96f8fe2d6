"""State dicts: read from files, taken apart into matrices, loaded into networks."""
