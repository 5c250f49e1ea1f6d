"""A producer of transactions as a process of its own, to be killed between a half message and its end.

    python -m tests.faults.producer_program NAME_SERVER GROUP TOPIC DATABASE SEED

It writes ``serving`` when brokers can ask it. For each line ``FIRST COUNT`` that it reads, it begins so many
transactions at once, each in a thread, and writes ``half NUMBER`` inside of each; the last of them never
ends. The local part is a row in the database, or none.
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import threading
import time

from pyrocketmq import Commit, Rollback, TransactionProducer
from pyrocketmq.model import MessageExt
from pyrocketmq.producer.transaction import LocalTransactionState

LONGEST_S = 0.01


def say(line: str) -> None:
    """Write a line in one go, as several threads write."""
    os.write(1, f"{line}\n".encode())


def connect(path: str) -> sqlite3.Connection:
    """A connection to the database, which several threads and processes use."""
    database = sqlite3.connect(path, timeout=30.0)
    database.execute("PRAGMA synchronous = OFF")  # processes are killed here, not machines
    return database


class Program:
    """One producer with its database."""

    def __init__(self, name_server: str, group: str, topic: str, database: str, seed: str) -> None:
        self.topic = topic
        self.database = database
        self.rng = random.Random(seed)
        self.producer = TransactionProducer(group, name_server, check=self.check, topics=[topic])

    def check(self, message: MessageExt) -> LocalTransactionState:
        with connect(self.database) as database:
            found = database.execute("SELECT 1 FROM paid WHERE number = ?", (message.keys,)).fetchone()
        return Commit if found else Rollback

    def transact(self, number: int, *, ends: bool) -> None:
        before, is_paid, after = self.rng.random(), self.rng.random() < 0.5, self.rng.random()
        with self.producer.transaction(self.topic, str(number), keys=str(number)) as transaction:
            say(f"half {number}")
            time.sleep(before * LONGEST_S)
            if is_paid:
                with connect(self.database) as database:
                    database.execute("INSERT INTO paid VALUES (?)", (str(number),))
            else:
                transaction.rollback()
            time.sleep(after * LONGEST_S)
            if not ends:
                time.sleep(3600.0)

    def run(self) -> None:
        with self.producer:
            say("serving")
            for line in sys.stdin:
                first, count = map(int, line.split())
                for number in range(first, first + count):
                    ends = number < first + count - 1
                    threading.Thread(target=self.transact, args=(number,), kwargs={"ends": ends}).start()


if __name__ == "__main__":
    Program(*sys.argv[1:]).run()
