"""What a cluster would run, as processes on this machine."""
