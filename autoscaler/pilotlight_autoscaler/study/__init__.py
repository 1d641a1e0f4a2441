"""Keep-alive and wake-up policies compared on recorded traffic, gap by gap."""
