"""The sub-commands of ``pilotlight rollout``, one a file."""
