"""Waveforms to windows, and windows to log-mel spectrograms."""
