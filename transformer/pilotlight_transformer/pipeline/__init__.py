"""What happens to a request on its way: a list of steps that one can read."""
