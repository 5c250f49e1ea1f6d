"""``pyrocketmq acl``: users and access rules of brokers with auth 2.0 (5.3 and later)."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pyrocketmq.admin.results import AclRule
from pyrocketmq.cli.administering import add_command, add_place_options, add_subcommands, administer, rows_of
from pyrocketmq.cli.exits import Exit
from pyrocketmq.cli.output import Column
from pyrocketmq.cli.problems import UsageError
from pyrocketmq.errors import NotFoundError

if TYPE_CHECKING:
    import argparse

    from pyrocketmq.admin.results import AclRules
    from pyrocketmq.cli.administering import Commands
    from pyrocketmq.cli.output import Output

__all__ = ["configure"]

_EXAMPLE: Final = """\
examples:
  pyrocketmq acl user create app --password-file app.secret
  pyrocketmq acl rule create User:app --resource Topic:shop --action Pub --action Sub
  pyrocketmq acl rule list
"""
_RESOURCES: Final = ("Topic", "Group", "Cluster", "Namespace")
_ACTIONS: Final = ("All", "Pub", "Sub", "Create", "Update", "Delete", "Get", "List")


def _subject(text: str) -> str:
    kind, _, name = text.partition(":")
    if kind != "User" or not name:
        raise ValueError(text)
    return text


_subject.__name__ = "subject (write User:NAME)"


def _resource(text: str) -> str:
    kind, _, name = text.partition(":")
    if text != "*" and (kind not in _RESOURCES or not name):
        raise ValueError(text)
    return text


_resource.__name__ = "resource (write Topic:NAME, Group:NAME, Cluster:NAME or *)"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the commands."""
    parser.epilog = _EXAMPLE
    kinds = add_subcommands(parser)
    _configure_users(add_subcommands(kinds.add_parser("user", help="who there is", allow_abbrev=False)))
    _configure_rules(add_subcommands(kinds.add_parser("rule", help="who may do what", allow_abbrev=False)))


def _configure_users(commands: Commands) -> None:
    one = add_command(commands, "list", "all users", run_user_list)
    one.add_argument("--filter", metavar="TEXT", help="only names that have this text in them")
    add_place_options(one)
    one = add_command(commands, "get", "one user", run_user_get)
    one.add_argument("username")
    add_place_options(one)
    one = add_command(
        commands, "create", "create a user; the password is asked for on a terminal", run_user_create
    )
    one.add_argument("username")
    one.add_argument("--super", action="store_true", help="whom no rule binds")
    _add_password(one)
    add_place_options(one)
    one = add_command(commands, "update", "change what is given of a user", run_user_update)
    one.add_argument("username")
    one.add_argument("--type", choices=("Normal", "Super"))
    one.add_argument("--status", choices=("enable", "disable"))
    one.add_argument("--password", action="store_true", help="ask for a new one on the terminal")
    _add_password(one)
    add_place_options(one)
    one = add_command(commands, "delete", "delete a user", run_user_delete)
    one.add_argument("username")
    add_place_options(one)
    one = add_command(
        commands, "copy", "copy users with their passwords from one broker to another", run_user_copy
    )
    _add_copy(one, "user")


def _configure_rules(commands: Commands) -> None:
    one = add_command(commands, "list", "all rules", run_rule_list)
    one.add_argument("--subject", metavar="TEXT", help="only subjects that have this text in them")
    one.add_argument("--resource", metavar="TEXT", help="only resources that have this text in them")
    add_place_options(one)
    one = add_command(commands, "get", "the rules of one subject", run_rule_get)
    one.add_argument("subject", type=_subject, help="as in User:app")
    add_place_options(one)
    for name, summary, run in (
        ("create", "create the rules of a subject", run_rule_create),
        ("update", "add rules to a subject, or change those of the same resources", run_rule_update),
    ):
        one = add_command(commands, name, summary, run)
        one.add_argument("subject", type=_subject, help="as in User:app")
        one.add_argument(
            "--resource",
            type=_resource,
            action="append",
            required=True,
            help="as in Topic:shop; may be repeated",
        )
        one.add_argument("--action", action="append", required=True, choices=_ACTIONS, help="may be repeated")
        one.add_argument("--source-ip", action="append", default=[], metavar="IP", help="only from there")
        one.add_argument("--deny", action="store_true", help="forbid it; otherwise it is allowed")
        add_place_options(one)
    one = add_command(
        commands, "delete", "delete the rules of a subject, or the one of a resource", run_rule_delete
    )
    one.add_argument("subject", type=_subject, help="as in User:app")
    one.add_argument("--resource", type=_resource, help="only the rule of this one")
    add_place_options(one)
    one = add_command(commands, "copy", "copy rules from one broker to another", run_rule_copy)
    _add_copy(one, "subject")


def _add_copy(parser: argparse.ArgumentParser, kind: str) -> None:
    parser.add_argument("from_broker", metavar="FROM", help="broker, by name or address")
    parser.add_argument("to_broker", metavar="TO", help="broker, by name or address")
    parser.add_argument(f"--{kind}", action="append", dest="only", help="only this one; may be repeated")


def _add_password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--password-file", metavar="FILE", help="file with the password; - is standard input")


def _password_of(arguments: argparse.Namespace) -> str:
    """Never from the arguments themselves, which others can read."""
    given: str | None = arguments.password_file
    if given == "-":
        password = sys.stdin.readline().rstrip("\n")
    elif given is not None:
        try:
            password = Path(given).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"--password-file {given!r} cannot be read: {error}",
                field="password_file",
                advice="give a text file that holds nothing but the password",
            ) from error
    elif sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if password != getpass.getpass("Again: "):
            raise UsageError("the passwords differ", field="password", advice="type the same one twice")
    else:
        raise UsageError(
            "there is no password, and no terminal to ask for one",
            field="password",
            advice="give --password-file FILE, or - for standard input",
        )
    if not password:
        raise UsageError("the password is empty", field="password", advice="give one")
    return password


_USER_COLUMNS: Final = [Column("username", "USER"), Column("user_type", "TYPE"), Column("status", "STATUS")]
_RULE_COLUMNS: Final = [
    Column("subject", "SUBJECT"),
    Column("resource", "RESOURCE"),
    Column("actions", "ACTIONS"),
    Column("decision", "DECISION"),
    Column("source_ips", "FROM"),
]


def run_user_list(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each."""
    users = administer(
        arguments,
        lambda client: client.list_users(
            arguments.filter, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.table(_USER_COLUMNS, rows_of(users), empty="no users")
    return Exit.DONE


def run_user_get(arguments: argparse.Namespace, output: Output) -> int:
    """Its line."""
    user = administer(
        arguments,
        lambda client: client.get_user(
            arguments.username, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    if user is None:
        raise NotFoundError(
            f"there is no user {arguments.username!r}",
            advice="pyrocketmq acl user list shows those that are there",
        )
    output.table(_USER_COLUMNS, rows_of([user]))
    return Exit.DONE


def run_user_create(arguments: argparse.Namespace, output: Output) -> int:
    """Say that it is there."""
    password = _password_of(arguments)
    kind = "Super" if arguments.super else "Normal"
    administer(
        arguments,
        lambda client: client.create_user(
            arguments.username, password, user_type=kind, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.done({"username": arguments.username, "user_type": kind}, f"user {arguments.username} is there")
    return Exit.DONE


def run_user_update(arguments: argparse.Namespace, output: Output) -> int:
    """Say that it is changed."""
    password = _password_of(arguments) if arguments.password or arguments.password_file else None
    if password is None and arguments.type is None and arguments.status is None:
        raise UsageError(
            "nothing is given that could be changed",
            field="status",
            advice="give --type, --status, --password or --password-file",
        )
    administer(
        arguments,
        lambda client: client.update_user(
            arguments.username,
            password=password,
            user_type=arguments.type,
            status=arguments.status,
            cluster=arguments.cluster,
            broker=arguments.broker,
        ),
    )
    output.done({"username": arguments.username, "updated": True}, f"user {arguments.username} is changed")
    return Exit.DONE


def run_user_delete(arguments: argparse.Namespace, output: Output) -> int:
    """Say that it is gone."""
    administer(
        arguments,
        lambda client: client.delete_user(
            arguments.username, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.done({"username": arguments.username, "deleted": True}, f"user {arguments.username} is gone")
    return Exit.DONE


def run_user_copy(arguments: argparse.Namespace, output: Output) -> int:
    """The names of those that were copied."""
    names = administer(
        arguments,
        lambda client: client.copy_users(
            arguments.from_broker, arguments.to_broker, usernames=arguments.only
        ),
    )
    output.names(names, empty="no users")
    return Exit.DONE


def run_rule_list(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each rule."""
    found = administer(
        arguments,
        lambda client: client.list_acls(
            arguments.subject, arguments.resource, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    _print_rules(found, output)
    return Exit.DONE


def run_rule_get(arguments: argparse.Namespace, output: Output) -> int:
    """One line for each rule."""
    rules = administer(
        arguments,
        lambda client: client.get_acl(arguments.subject, cluster=arguments.cluster, broker=arguments.broker),
    )
    if rules is None:
        raise NotFoundError(
            f"there are no rules of {arguments.subject!r}",
            advice="pyrocketmq acl rule list shows those that are there",
        )
    _print_rules([rules], output)
    return Exit.DONE


def _print_rules(found: list[AclRules], output: Output) -> None:
    if output.json:
        output.document(rows_of(found))
        return
    rows = [{"subject": rules.subject, **rule.to_dict()} for rules in found for rule in rules.rules]
    output.table(_RULE_COLUMNS, rows, empty="no rules")


def _rules_of(arguments: argparse.Namespace) -> list[AclRule]:
    decision = "Deny" if arguments.deny else "Allow"
    return [
        AclRule(resource, list(arguments.action), decision, list(arguments.source_ip))
        for resource in arguments.resource
    ]


def run_rule_create(arguments: argparse.Namespace, output: Output) -> int:
    """Say that they are there."""
    rules = _rules_of(arguments)
    administer(
        arguments,
        lambda client: client.create_acl(
            arguments.subject, rules, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.done(
        {"subject": arguments.subject, "rules": rows_of(rules)}, f"rules of {arguments.subject} are there"
    )
    return Exit.DONE


def run_rule_update(arguments: argparse.Namespace, output: Output) -> int:
    """Say that they are changed."""
    rules = _rules_of(arguments)
    administer(
        arguments,
        lambda client: client.update_acl(
            arguments.subject, rules, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    output.done(
        {"subject": arguments.subject, "rules": rows_of(rules)}, f"rules of {arguments.subject} are changed"
    )
    return Exit.DONE


def run_rule_delete(arguments: argparse.Namespace, output: Output) -> int:
    """Say that they are gone."""
    administer(
        arguments,
        lambda client: client.delete_acl(
            arguments.subject, resource=arguments.resource, cluster=arguments.cluster, broker=arguments.broker
        ),
    )
    what = f"rule for {arguments.resource}" if arguments.resource else "rules"
    output.done({"subject": arguments.subject, "deleted": True}, f"{what} of {arguments.subject}: deleted")
    return Exit.DONE


def run_rule_copy(arguments: argparse.Namespace, output: Output) -> int:
    """The subjects that were copied."""
    subjects = administer(
        arguments,
        lambda client: client.copy_acls(arguments.from_broker, arguments.to_broker, subjects=arguments.only),
    )
    output.names(subjects, empty="no rules")
    return Exit.DONE
