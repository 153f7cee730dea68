"""Labelled recordings: folders, manifests and tasks in HEAR's format, and how they are divided."""
