"""The studies' networks, every normalisation selectable by name."""
