"""Signed requests against brokers that check access: ACL 1.0 in 4.9, users and policies in 5.x."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable

from pyrocketmq.model import Message, RemotingCommand, encode_batch
from pyrocketmq.model import RemotingRequestFactory as Requests
from pyrocketmq.remote import AsyncRemote, Credentials, RpcHook
from tests.servers import Security, Server

from .conftest import Differs


class Marks(RpcHook):
    """Adds fields that a signature over less than everything would miss."""

    def before_request(self, address: str, request: RemotingCommand) -> None:
        assert address
        request.ext_fields = {**(request.ext_fields or {}), "mark": "caf\u00e9", "zz": "\U0001f600"}


async def code_of(
    address: str, credentials: Credentials | None, request: RemotingCommand, *hooks: RpcHook
) -> tuple[int, str]:
    async with AsyncRemote(address, credentials=credentials, hooks=hooks) as remote:
        answer = await remote.invoke(request, 10)
        return answer.code, answer.remark or ""


def requests_of(topic: str) -> dict[str, RemotingCommand]:
    batch = encode_batch(*(Message(topic, f"{number} \u8ba2\u5355", tags="new") for number in range(3)))
    body = batch.body
    return {
        "topic": Requests.create_create_topic_request(topic, 2, 2),
        "send": Requests.create_send_message_request(
            "group", topic, "h\u00e9llo", 0, tags="caf\u00e9", keys="k1 \U0001f600"
        ),
        "empty text": Requests.create_send_message_request("group", topic, b"\x00\xff\x80", 1),
        "batch": Requests.create_send_batch_message_request("group", topic, body),
    }


def on_loop(call: Callable[[], Awaitable[object]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(60):
            await call()

    asyncio.run(bounded())


def test_signed_requests_are_taken_whatever_hooks_add(secured: Server, keys: Security) -> None:
    async def check() -> None:
        for name, request in requests_of(f"acl-{uuid.uuid4().hex}").items():
            assert (name, 0) == (name, (await code_of(secured.broker, keys.admin, request))[0])
            assert (name, 0) == (name, (await code_of(secured.broker, keys.admin, request, Marks()))[0])

    on_loop(check)


def test_the_name_server_takes_signed_requests(secured: Server, keys: Security) -> None:
    async def check() -> None:
        request = Requests.create_get_route_info_request("TBW102")
        assert 0 == (await code_of(secured.name_server, keys.admin, request))[0]

    on_loop(check)


def test_what_is_not_signed_or_signed_wrongly_is_refused(
    secured: Server, keys: Security, differs: Differs
) -> None:
    async def check() -> None:
        wrong = Credentials(keys.admin.access_key, "not-the-secret")
        for credentials, words in (
            (None, ("username cannot be null", "No accessKey")),
            (wrong, ("check signature failed", "Check signature failed")),
        ):
            request = Requests.create_send_message_request("group", "acl-refused", "x", 0)
            code, remark = await code_of(secured.broker, credentials, request)
            assert code == (1 if differs("refuses-with-a-system-error") else 16)
            assert any(word in remark for word in words), remark

    on_loop(check)


def test_keys_can_be_exchanged_between_two_requests(
    secured: Server, keys: Security, differs: Differs
) -> None:
    async def check() -> None:
        current = Credentials("nobody-here", "not-the-secret")
        request = Requests.create_send_message_request("group", f"acl-{uuid.uuid4().hex}", "x", 0)
        async with AsyncRemote(secured.broker, credentials=lambda: current) as remote:
            refused = await remote.invoke(request, 10)
            current = keys.app
            taken = await remote.invoke(request, 10)
        assert refused.code == (1 if differs("refuses-with-a-system-error") else 16)
        assert taken.code == 0

    on_loop(check)
