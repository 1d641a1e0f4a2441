"""A service asleep, woken ahead of its traffic, and the bill, beside one that is not."""
