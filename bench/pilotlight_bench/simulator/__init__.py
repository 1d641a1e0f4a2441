"""Benchmark ``simulator``: how quick warm pools are simulated, and what its shortcut costs."""
