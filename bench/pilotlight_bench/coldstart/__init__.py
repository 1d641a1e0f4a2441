"""Benchmark ``coldstart``: from exec to the first answer."""
