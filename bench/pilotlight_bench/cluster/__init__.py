"""Measuring on a cluster: which one, through which gateway, and what its pods go through."""
