"""The best scaling of the rows, of the columns, or of a definite matrix."""
