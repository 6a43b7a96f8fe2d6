"""What claims of several chapters are written in."""
