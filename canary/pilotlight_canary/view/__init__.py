"""What people see of a rollout."""
