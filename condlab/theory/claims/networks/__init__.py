"""Claims about layers of networks and their normalisation."""
