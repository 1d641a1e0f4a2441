"""Sub-commands of `pilotlight warmpool` that speak with a cluster."""
