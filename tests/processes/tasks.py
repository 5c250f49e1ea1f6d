"""Tasks for a Celery worker that forks its processes: the producer is busy sending before that."""

from __future__ import annotations

import os

from celery import Celery

from pyrocketmq import Message, Producer

folder = os.environ["TASKS_FOLDER"]
app = Celery("tasks", broker="filesystem://")
app.conf.update(
    broker_transport_options={
        "data_folder_in": folder,
        "data_folder_out": folder,
        "polling_interval": 0.02,
        "control_folder": os.path.join(folder, "control"),  # noqa: PTH118 - it goes to another library
    },
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
)
producer = Producer("tasks", os.environ["NAMESRV_ADDR"], linger=0.5, send_timeout=30.0)
if os.environ.get("IS_WORKER"):
    producer.start()
    for number in range(1_000):
        producer.submit(Message("before", f"{number}"))


@app.task(name="place")  # type: ignore[untyped-decorator]
def place(number: int) -> None:
    """Each task is an order."""
    producer.send(Message("orders", f"{number}", keys=str(os.getpid())))
