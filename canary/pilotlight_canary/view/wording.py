"""Phases in colours and words."""

from pilotlight.api.rollout_status import Phase

TONES = {
    Phase.IDLE: "dim",
    Phase.HELD: "yellow",
    Phase.NO_CAPACITY: "bold yellow",
    Phase.WARMING: "yellow",
    Phase.GATING: "yellow",
    Phase.PROGRESSING: "cyan",
    Phase.PAUSED: "bold yellow",
    Phase.PROMOTING: "green",
    Phase.WATCHING: "green",
    Phase.SUCCEEDED: "bold green",
    Phase.ROLLING_BACK: "red",
    Phase.ROLLED_BACK: "bold red",
}
MEANINGS = {
    Phase.IDLE: "nothing is rolled out",
    Phase.HELD: "a new version gets no traffic yet",
    Phase.NO_CAPACITY: "no room for the new version's pods",
    Phase.WARMING: "the new version starts and is warmed up",
    Phase.GATING: "the new version is tested without traffic",
    Phase.PROGRESSING: "the new version is judged step by step",
    Phase.PAUSED: "waits for a person",
    Phase.PROMOTING: "the new version gets all traffic",
    Phase.WATCHING: "promoted; the old version stays warm for a while",
    Phase.SUCCEEDED: "promoted",
    Phase.ROLLING_BACK: "the old version gets all traffic back",
    Phase.ROLLED_BACK: "taken back",
}
