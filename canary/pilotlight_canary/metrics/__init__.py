"""What is counted of both versions, and what one look and the next make of it."""
