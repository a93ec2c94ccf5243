"""The workshop's own tests; they need torch (extra `dev`)."""
