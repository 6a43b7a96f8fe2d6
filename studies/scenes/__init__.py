"""Scenes and solids that are made, not loaded."""
