"""Warm pools on a screen."""
