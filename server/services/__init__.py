"""Use cases: embed a picture once, segment it by prompts. They know runtime, storage and domain, not HTTP."""
