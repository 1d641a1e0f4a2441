"""The one place where Pilotlight talks to Kubernetes."""
