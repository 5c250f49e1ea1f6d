"""For tests of programs that use RocketMQ: a server in this process, and pytest fixtures around it.

Importing this is cheap, as pytest does it at every start; the server itself is imported when one starts. It
knows the embedded server and no client. Only ``plugin`` knows pytest.
"""

from pyrocketmq._clock import Clock, ManualClock, MovableClock, SystemClock
from pyrocketmq.testing.local import LocalRocketMQ
from pyrocketmq.testing.local_faults import LocalFault, LocalFaults
from pyrocketmq.testing.scripts import Recording, Script

__all__ = [
    "Clock",
    "LocalFault",
    "LocalFaults",
    "LocalRocketMQ",
    "ManualClock",
    "MovableClock",
    "Recording",
    "Script",
    "SystemClock",
]
