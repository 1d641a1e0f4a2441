"""Reading what servers and Prometheus tell of themselves."""
