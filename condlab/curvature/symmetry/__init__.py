"""Symmetries of losses: invariances, null directions, and gauges that fix them."""
