"""Commands of a file each."""
