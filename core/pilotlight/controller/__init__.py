"""What every controller's process is made of: one leader acts, every replica answers."""
