"""What runs outside the domain: image decoding, model back ends, batching and the registry of bundles."""
