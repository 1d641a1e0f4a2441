"""What is decided about a rollout: pure functions, a file for each phase."""
