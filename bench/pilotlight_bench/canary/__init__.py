"""Benchmark ``canary``: how often, and how soon, a canary's judgement is right."""
