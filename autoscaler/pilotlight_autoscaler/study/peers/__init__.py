"""The policies that Pilotlight's is compared with."""
