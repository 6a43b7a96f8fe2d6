"""Claims about diagonal scaling."""
