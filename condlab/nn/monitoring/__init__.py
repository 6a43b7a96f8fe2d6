"""Monitors of training loops: what they follow, and where it goes."""
