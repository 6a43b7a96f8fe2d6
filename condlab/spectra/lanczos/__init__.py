"""Krylov bases: grown in blocks, restarted, saved, and read by Rayleigh and Ritz."""
