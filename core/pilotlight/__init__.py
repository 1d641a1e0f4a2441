"""What all parts of Pilotlight share: errors, clock, settings, telemetry, the command line."""

__version__ = "0.1.0"
