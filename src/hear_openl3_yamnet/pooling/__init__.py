"""Feature maps to embeddings, and embeddings over time to scenes."""
