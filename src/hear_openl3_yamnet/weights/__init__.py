"""Weight files: the registry, and finding, verifying, reading and converting them."""
