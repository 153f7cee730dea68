"""Readers of weights files, one module a format."""
