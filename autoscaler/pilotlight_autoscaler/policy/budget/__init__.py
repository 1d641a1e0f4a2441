"""Many services, few GPUs: which replicas stay warm."""
