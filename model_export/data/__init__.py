"""Annotated pictures, whatever their format: readers that all give `Picture`."""
