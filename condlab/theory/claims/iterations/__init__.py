"""Claims about iterations: descent, stationary and Krylov methods."""
