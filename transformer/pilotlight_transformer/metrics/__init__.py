"""What the transformer counts, and how its workers answer as one."""
