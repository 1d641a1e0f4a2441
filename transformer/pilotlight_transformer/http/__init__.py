"""HTTP/1.1 as a server: strict about what comes in, one write for what goes out."""
