"""Claims of "Weight standardization"."""
