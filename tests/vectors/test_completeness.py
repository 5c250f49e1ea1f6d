"""No vector is left out: a kind or a case that no test takes is a failure."""

from __future__ import annotations

import pytest

# Importing them registers what they take, also when this file runs alone.
from . import (  # noqa: F401
    test_bodies,
    test_frames,
    test_hashes,
    test_messages,
    test_rules,
    test_stored,
)
from .loader import DEFAULT_FOLDER, FOLDER, covered, load


def test_every_case_of_the_folder_is_taken() -> None:
    for kind, cases in load(FOLDER).items():
        assert kind in covered, f"no test for the kind {kind}; there is a new file in {FOLDER}"
        left_out = {case["id"] for case in cases} - covered[kind]
        assert not left_out, f"no test takes {sorted(left_out)}"


def test_the_repository_has_cases_of_every_kind() -> None:
    found = {kind for kind, cases in load(DEFAULT_FOLDER).items() if cases}
    assert found == set(covered)
    assert len(found) >= 30


def test_the_folder_has_vectors() -> None:
    if not load(FOLDER):
        pytest.fail(f"no *.json in {FOLDER}; PYROCKETMQ_VECTORS must name a folder of vectors")
