"""Hypothesis profiles: few examples for a quick run, 2,000 a property in CI."""

from __future__ import annotations

import os

from hypothesis import settings

QUICK_EXAMPLES = 200
CI_EXAMPLES = 2000

settings.register_profile("quick", max_examples=QUICK_EXAMPLES, deadline=None, print_blob=True)
settings.register_profile("ci", max_examples=CI_EXAMPLES, deadline=None, print_blob=True)

in_ci = os.environ.get("CI", "").lower() in ("1", "true")
settings.load_profile(os.environ.get("PYROCKETMQ_HYPOTHESIS") or ("ci" if in_ci else "quick"))
