"""Measures what `import pyrocketmq` and its model add to the start of an interpreter; over 100 ms it fails.

Each figure is the fastest of several fresh processes, interleaved, as anything else measures the machine.
"""

from __future__ import annotations

import subprocess
import sys
import time

ROUNDS = 12
LIMIT_MS = 100.0
STATEMENTS = {
    "bare interpreter": "pass",
    "pyrocketmq": "import pyrocketmq",
    "model": "import pyrocketmq.model",
}


def start_ms(statement: str) -> float:
    begin = time.perf_counter()
    subprocess.run([sys.executable, "-I", "-c", statement], check=True)
    return (time.perf_counter() - begin) * 1e3


def main() -> int:
    fastest = dict.fromkeys(STATEMENTS, float("inf"))
    for _ in range(ROUNDS):
        for name, statement in STATEMENTS.items():
            fastest[name] = min(fastest[name], start_ms(statement))
    bare = fastest.pop("bare interpreter")
    slow = False
    for name, total in fastest.items():
        print(f"import {name}: {total - bare:.1f} ms over the {bare:.1f} ms of a bare interpreter")
        slow |= total - bare > LIMIT_MS
    if slow:
        print(f"the limit is {LIMIT_MS:.0f} ms; look at: python -X importtime -c 'import pyrocketmq.model'")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
