"""What was decided for each call, written down as lines of JSON."""
