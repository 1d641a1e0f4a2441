"""Container images from files of this machine: no registry is asked."""
