"""Rollouts by the thousand on a computer: what the statistics would do, and how fast."""
