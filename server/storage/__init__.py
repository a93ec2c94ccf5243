"""Where embeddings, sources, records and logits live. `images.py` is what services use; the rest is behind its port."""
