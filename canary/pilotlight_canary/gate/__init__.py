"""What a new version is asked before people are: warm-up, golden prompts, shadow traffic."""

from pilotlight_canary.gate.offline_gate import run_offline_gate
from pilotlight_canary.gate.shadow import run_shadow
from pilotlight_canary.gate.subject import Subject, subject_of
from pilotlight_canary.gate.warm_up import run_warm_up

__all__ = ["Subject", "run_offline_gate", "run_shadow", "run_warm_up", "subject_of"]
