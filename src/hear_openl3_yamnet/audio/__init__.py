"""Audio files and arrays to checked mono waveforms at one rate."""

from .files import load_audio

__all__ = ["load_audio"]
