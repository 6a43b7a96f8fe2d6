"""Maps from stored to effective weights, differentiable to any order."""
