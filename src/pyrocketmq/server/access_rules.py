"""Who may do what: the accounts of ACL 1.0, read from what `plain_acl.yml` holds.

The names are those of RocketMQ's file, so its content can be carried over as a TOML or JSON file or a dict.
Must not know requests.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntFlag
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Self, TypeGuard, cast

import orjson

from pyrocketmq.errors import ConfigurationError
from pyrocketmq.model.shown import shown
from pyrocketmq.server.address_pattern import AddressPattern

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["AccessRules", "Account", "Right"]

NO_ADDRESS: Final = AddressPattern("")
LEAST_KEY_LENGTH: Final = 7  # what 4.9 asks for, so that its own file fits here and ours there


class Right(IntFlag):
    """What may be done with a topic or as a group; no flag at all is DENY."""

    DENY = 0
    PUB = 1
    SUB = 2


_RIGHTS: Final = {
    "DENY": Right.DENY,
    "PUB": Right.PUB,
    "SUB": Right.SUB,
    "PUB|SUB": Right.PUB | Right.SUB,
    "SUB|PUB": Right.PUB | Right.SUB,
}


def _no_rights() -> Mapping[str, Right]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One access key and its rights.

    Raises:
        ConfigurationError: a key is too short.
    """

    access_key: str
    """The name of the account."""
    secret_key: str = field(repr=False)
    """What its requests are signed with."""
    white_remote_address: AddressPattern = NO_ADDRESS
    """Requests from these addresses need no signature, and have every right."""
    admin: bool = False
    """Whether it may create and delete topics and groups, and change settings."""
    default_topic_perm: Right = Right.DENY
    """Its right to topics that are not named."""
    default_group_perm: Right = Right.DENY
    """Its right to groups that are not named."""
    topic_perms: Mapping[str, Right] = field(default_factory=_no_rights)
    """Rights by topic."""
    group_perms: Mapping[str, Right] = field(default_factory=_no_rights)
    """Rights by group."""

    def __post_init__(self) -> None:
        """Refuse keys that RocketMQ refuses."""
        for name, key in (("accessKey", self.access_key), ("secretKey", self.secret_key)):
            if len(key) < LEAST_KEY_LENGTH:
                raise ConfigurationError(
                    f"{name} of an account has {len(key)} characters, it needs {LEAST_KEY_LENGTH} or more",
                    field=name,
                    advice="Give it a longer key.",
                )

    def right_to(self, resource: str, *, is_group: bool) -> Right:
        """Its right to a topic or as a group."""
        if is_group:
            return self.group_perms.get(resource, self.default_group_perm)
        return self.topic_perms.get(resource, self.default_topic_perm)

    @property
    def is_unbounded(self) -> bool:
        """True for an admin without rights of its own: it may use everything."""
        return self.admin and not self.topic_perms and not self.group_perms

    @classmethod
    def read(cls, value: object) -> Self:
        """An account from an entry of ``accounts``.

        Raises:
            ConfigurationError: a key is missing, unknown, or of another form.
        """
        entry = _table("account", value)
        _refuse_unknown("account", entry, _ACCOUNT_KEYS)
        admin = entry.get("admin", False)
        if not isinstance(admin, bool):
            raise _misfit("admin", admin, "true or false")
        return cls(
            access_key=_text(entry, "accessKey"),
            secret_key=_text(entry, "secretKey"),
            white_remote_address=AddressPattern(_text(entry, "whiteRemoteAddress", "")),
            admin=admin,
            default_topic_perm=_right("defaultTopicPerm", _text(entry, "defaultTopicPerm", "DENY")),
            default_group_perm=_right("defaultGroupPerm", _text(entry, "defaultGroupPerm", "DENY")),
            topic_perms=_rights("topicPerms", entry.get("topicPerms")),
            group_perms=_rights("groupPerms", entry.get("groupPerms")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """All accounts, and the addresses that need none.

    Raises:
        ConfigurationError: two accounts have one access key.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict[str, Account])
    """The accounts by access key."""
    white_addresses: tuple[AddressPattern, ...] = ()
    """Requests from these addresses are not checked at all."""

    @classmethod
    def of(cls, accounts: Iterable[Account], white_addresses: Iterable[str] = ()) -> Self:
        """Rules of these accounts."""
        table: dict[str, Account] = {}
        for account in accounts:
            if account.access_key in table:
                raise ConfigurationError(
                    f"the access key {account.access_key!r} has two accounts",
                    field="accounts",
                    advice="Keep one of them.",
                )
            table[account.access_key] = account
        return cls(accounts=table, white_addresses=tuple([AddressPattern(text) for text in white_addresses]))

    @classmethod
    def load(cls, source: AccessRules | Mapping[str, Any] | str | Path) -> AccessRules:
        """Rules from themselves, from a dict, or from a file whose name ends in .toml or .json.

        Raises:
            ConfigurationError: the file cannot be read, or its content are no rules.
        """
        if isinstance(source, AccessRules):
            return source
        if isinstance(source, Mapping):
            return cls.read(source)
        path = Path(source)
        try:
            data = path.read_bytes()
            content: object = (
                tomllib.loads(data.decode()) if path.suffix == ".toml" else cast("object", orjson.loads(data))
            )
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"the access rules {str(path)!r} cannot be read: {error}",
                field="acl",
                advice="Give a TOML or JSON file with the keys of plain_acl.yml: accounts, accessKey, ...",
            ) from error
        return cls.read(content)

    @classmethod
    def read(cls, value: object) -> Self:
        """Rules from the content of a file.

        Raises:
            ConfigurationError: a key is unknown, or a value of another form.
        """
        entry = _table("access rules", value)
        _refuse_unknown("access rules", entry, ("globalWhiteRemoteAddresses", "accounts"))
        accounts = _list("accounts", entry.get("accounts"))
        white = _list("globalWhiteRemoteAddresses", entry.get("globalWhiteRemoteAddresses"))
        return cls.of([Account.read(account) for account in accounts], [str(text) for text in white])

    def account_of(self, access_key: str) -> Account | None:
        """The account of an access key."""
        return self.accounts.get(access_key)

    def needs_none(self, host: str) -> bool:
        """True for an address from which no account is needed."""
        return any(pattern.matches(host) for pattern in self.white_addresses)


_ACCOUNT_KEYS: Final = (
    "accessKey",
    "secretKey",
    "whiteRemoteAddress",
    "admin",
    "defaultTopicPerm",
    "defaultGroupPerm",
    "topicPerms",
    "groupPerms",
)


def _misfit(name: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(
        f"{name} of the access rules is {shown(value)}, it must be {wanted}",
        field=name,
        advice="Write it as in RocketMQ's plain_acl.yml.",
    )


def _table(name: str, value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _misfit(name, value, "a table of names and values")
    return cast("Mapping[str, Any]", value)


def _is_list(value: object) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _list(name: str, value: object) -> list[Any]:
    if value is None:
        return []
    if not _is_list(value):
        raise _misfit(name, value, "a list")
    return value


def _refuse_unknown(what: str, entry: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for name in entry:
        if name not in known:
            raise ConfigurationError(
                f"{what} has the unknown key {name!r}",
                field=name,
                advice=f"The keys are {', '.join(known)}.",
            )


def _text(entry: Mapping[str, Any], name: str, default: str | None = None) -> str:
    value = entry.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        # Not shown: it may be a secret.
        raise ConfigurationError(
            f"{name} of an account is of type {type(value).__name__}, it must be text",
            field=name,
            advice="Write it in quotes.",
        )
    return value


def _right(name: str, text: str) -> Right:
    right = _RIGHTS.get(text.strip())
    if right is None:
        raise _misfit(name, text, f"one of {', '.join(_RIGHTS)}")
    return right


def _rights(name: str, value: object) -> Mapping[str, Right]:
    """Rights as ``{"topicA": "PUB"}`` or, as RocketMQ writes them, ``["topicA=PUB"]``."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, Any]", value)
        return {resource: _right(name, str(text)) for resource, text in table.items()}
    rights: dict[str, Right] = {}
    for item in _list(name, value):
        resource, mark, text = str(item).partition("=")
        if not mark or not resource.strip():
            raise _misfit(name, item, "<name>=<PUB, SUB, PUB|SUB or DENY>")
        rights[resource.strip()] = _right(name, text)
    return rights
