"""From a checkpoint to a bundle: folded float16 weights, ONNX graphs, an exported program, golden vectors, parity."""
