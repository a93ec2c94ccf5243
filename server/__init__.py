"""Segserve: a self-hosted service for promptable and interactive image segmentation."""

__version__ = "0.1.0"
