"""How many examples a property is tried on, where that is not what the profile says."""

from __future__ import annotations

from hypothesis import settings

__all__ = ["FEWER_EXAMPLES"]

# For properties whose examples take milliseconds each: 2,000 of each would be half of the time of the suite.
FEWER_EXAMPLES = settings(max_examples=min(400, settings().max_examples))
