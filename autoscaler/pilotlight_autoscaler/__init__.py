"""Warm pools: how many replicas stay warm, when, and at what price."""
