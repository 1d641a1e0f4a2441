"""Bare forwarders, to compare HTTP cores: each is a program of its own, without Pilotlight."""
