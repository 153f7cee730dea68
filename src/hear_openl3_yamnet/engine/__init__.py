"""The road at work: batches of windows in bounded memory, compiled for the backend."""
