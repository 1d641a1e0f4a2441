"""Benchmark ``transformer``: what standing in front of the predictor costs, here and elsewhere."""
