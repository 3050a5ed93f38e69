"""Models that this process computes itself, on ONNX Runtime, from weights that Python packages carry."""
