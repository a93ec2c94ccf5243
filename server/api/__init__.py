"""The HTTP side of Segserve: the only code that knows FastAPI."""
