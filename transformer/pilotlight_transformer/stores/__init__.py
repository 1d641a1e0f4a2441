"""Where steps keep what must outlive a request: SQLite on the node, Redis for all replicas."""
