"""Claims about eigenvalues and singular values."""
