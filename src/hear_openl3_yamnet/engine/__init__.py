"""From requests to embeddings: batches in bounded memory, compiled for the backend."""
