"""Claims about condition numbers."""
