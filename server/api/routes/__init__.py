"""One module per group of endpoints, each thin: read the request, call a service, write the answer."""
