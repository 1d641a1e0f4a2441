"""The process that keeps warm pools: a loop for each namespace, one budget for all."""
