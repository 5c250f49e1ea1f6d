"""The package as a whole: its public names and its one root of errors."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys

import pytest

import pyrocketmq
from pyrocketmq import errors


def all_errors() -> list[type[pyrocketmq.RocketMQError]]:
    public = [getattr(errors, name) for name in errors.__all__]
    return [cls for cls in public if issubclass(cls, pyrocketmq.RocketMQError)]


@pytest.mark.parametrize("name", pyrocketmq.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(pyrocketmq, name)


def test_every_exception_has_the_one_root_and_a_code_of_its_own() -> None:
    public = [getattr(errors, name) for name in errors.__all__]

    assert [cls for cls in public if issubclass(cls, Exception)] == all_errors()
    assert len({error.code for error in all_errors()}) == len(all_errors())


@pytest.mark.parametrize("name", errors.__all__)
def test_a_traceback_names_an_error_as_programs_import_it(name: str) -> None:
    assert getattr(errors, name).__module__ == "pyrocketmq.errors"


@pytest.mark.parametrize("cls", all_errors())
def test_an_error_says_everything_and_survives_copy_and_pickle(cls: type[pyrocketmq.RocketMQError]) -> None:
    error = cls("it broke at 5 of 3", field="part", likely="a typo", advice="fix it")
    expected = f"[{cls.code}] it broke at 5 of 3\n  Likely: a typo\n  Try:    fix it"

    for twin in (error, copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(twin) is cls
        assert str(twin) == expected
        assert (twin.field, twin.retryable, twin.maybe_sent) == ("part", cls.retryable, cls.maybe_sent)


def test_the_package_brings_no_extra_package_with_it() -> None:
    """Packages of the extras are loaded when they are first needed, not on import."""
    code = (
        "import sys, pyrocketmq.model; print(sorted({'lz4', 'zstandard', 'rich', 'zmq'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert done.stdout.strip() == "[]"
