"""The policy of a warm pool: pure functions of what is wanted, stored and seen."""
