"""What a service is asked for and how busy it is: from Prometheus, or from the pods themselves."""
