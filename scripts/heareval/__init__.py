"""HEAR's own evaluation kit: what it needs, the models it compares, a task of tones."""
