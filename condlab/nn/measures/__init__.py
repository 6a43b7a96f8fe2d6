"""What is measured of one weight matrix, and the rows that say it."""
