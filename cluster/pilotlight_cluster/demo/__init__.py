"""A served model that answers, sleeps at zero and wakes, with a live view of it."""
