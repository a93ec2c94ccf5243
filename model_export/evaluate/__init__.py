"""Evaluation by simulated clicks; runs the shipped bundle in ONNX Runtime, never the torch network."""
