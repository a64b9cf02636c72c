"""A module of checks that cannot be imported."""

raise RuntimeError("no licence for this check")
