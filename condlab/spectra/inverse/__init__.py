"""Products with the inverse: recurrences, refinement, inverse iteration."""
