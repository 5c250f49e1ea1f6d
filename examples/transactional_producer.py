"""Pay and tell about it, or neither: the message becomes visible only if the database has the payment.

Needs a server: `pyrocketmq serve` is one, and NAMESRV_ADDR names another.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from pyrocketmq import Commit, Rollback, TransactionProducer

if TYPE_CHECKING:
    from pyrocketmq.model import MessageExt
    from pyrocketmq.producer.transaction import LocalTransactionState

ADDRESS = os.environ.get("NAMESRV_ADDR", "localhost:9876")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        pay_all(Path(folder) / "shop.db")


def pay_all(path: Path) -> None:
    def check(message: MessageExt) -> LocalTransactionState:
        """The broker asks this when it has not heard the end, perhaps after this program was killed."""
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT 1 FROM paid WHERE id = ?", (message.keys,)).fetchone()
        return Commit if found else Rollback

    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE paid (id TEXT PRIMARY KEY, cents INTEGER CHECK (cents > 0))")
        with TransactionProducer("till", ADDRESS, check=check) as producer:
            for order, cents in (("order-1", 450), ("order-2", -1), ("order-3", 380)):
                try:
                    with producer.transaction("payments", f"{cents}", keys=order), database:
                        database.execute("INSERT INTO paid VALUES (?, ?)", (order, cents))
                except sqlite3.IntegrityError as error:
                    print(f"{order}: rolled back, nobody hears of it: {error}")
                else:
                    print(f"{order}: paid, and the message is on its way")
        print("in the database:", [row[0] for row in database.execute("SELECT id FROM paid")])


if __name__ == "__main__":
    main()
