"""The workshop: everything that makes a model bundle. Of `server` it may import `domain` and `runtime` only."""
