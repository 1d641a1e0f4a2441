"""HTTP/1.1 as the transformer speaks it, on httptools and the event loop's transports."""
