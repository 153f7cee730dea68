"""Modules of the HEAR API to compare with."""
