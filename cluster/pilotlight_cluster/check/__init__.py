"""Whether a cluster has what Pilotlight needs: observed once, then judged without I/O."""
