"""Lower bounds that no diagonal scaling can beat, proved in floating point."""
