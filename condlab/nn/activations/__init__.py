"""Normalisations of activations, each by name; torch's own where torch has one."""

from condlab.nn.activations.names import NORMS, Layout, make_norm

__all__ = ["NORMS", "Layout", "make_norm"]
