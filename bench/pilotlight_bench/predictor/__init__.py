"""Benchmark ``predictor``: the same load on this predictor and on plain vLLM."""
