"""How much a caller may ask for: token buckets, in this process or in Redis for all replicas."""
