"""Training by simulated prompting: a flat loop (`loop.py`) and its parts."""
