"""The best scaling of rows and columns together."""
