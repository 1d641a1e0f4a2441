"""Benchmarks: each compares Pilotlight with what people would run without it."""
