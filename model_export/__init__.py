"""The workshop: everything that makes a model bundle. May import `server.domain` and `server.runtime`, nothing else of `server`."""
