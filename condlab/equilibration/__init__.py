"""What scalings of lines stand on: safe reciprocals, and Ruiz's sweeps."""
