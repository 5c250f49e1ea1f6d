"""Client ids: nobody else has them, also where address and process number repeat."""

from __future__ import annotations

import ipaddress
import os
import re

from pyrocketmq.client.identity import local_address, make_client_id


def test_an_id_says_where_and_which_process() -> None:
    pattern = rf"10\.0\.0\.7@{os.getpid()}#[0-9a-f]{{16}}"

    assert re.fullmatch(pattern, make_client_id(address=lambda: "10.0.0.7"))
    assert re.fullmatch(pattern + "@north", make_client_id("north", address=lambda: "10.0.0.7"))


def test_two_ids_of_one_process_differ() -> None:
    assert 1000 == len({make_client_id(address=lambda: "10.0.0.7") for _ in range(1000)})


def test_the_address_is_one() -> None:
    assert ipaddress.ip_address(local_address()).version == 4
