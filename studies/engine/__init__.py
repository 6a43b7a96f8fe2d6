"""What runs a study: loop, checkpoints, records, sweep."""
