"""What there is to play, the longest first; without importing any of it."""

SCENARIOS = [
    "kills", "cuts", "restored", "backlog", "nights", "frozen", "poison", "storm", "broker", "database", "drained",
    "slow", "clocks", "twice", "changes", "returns",
]  # fmt: skip

# The small sizes, which also end `make test`: not those whose moments are too rare for a few minutes.
SLICE = [name for name in SCENARIOS if name not in ("changes", "returns")]

# Which scenario finds out which mutant.
MUTANTS = {
    "reference_from_our_id": "restored",
    "lease_not_checked": "frozen",
    "no_look_up": "cuts",
    "look_up_too_early": "cuts",
    "cursor_before_commit": "backlog",
}
