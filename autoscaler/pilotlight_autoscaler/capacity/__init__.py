"""Capacity planning: how many replicas a traffic needs, from what one was measured to do."""
