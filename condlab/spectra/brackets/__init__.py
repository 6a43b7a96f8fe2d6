"""Bounds of eigenvalues and of their densities, certain or with a confidence."""
