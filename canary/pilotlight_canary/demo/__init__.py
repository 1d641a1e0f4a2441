"""A good and a bad version rolled out under load, with a live view of it."""
