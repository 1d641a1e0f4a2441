"""The process that carries rollouts out: one leader acts, every replica admits."""
