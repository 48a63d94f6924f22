"""Celery on a quorum queue. usage: celery_peer.py SCRIPT publishes; `celery -A celery_peer worker` executes"""

import os
import sys

import talk
from celery import Celery
from celery.signals import worker_process_init

app = Celery("bench", broker=os.environ["QUERYFLEET_AMQP_URL"])
app.conf.update(
    task_default_queue="celery",
    task_default_queue_type="quorum",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    broker_transport_options={"confirm_publish": True},
    broker_connection_retry_on_startup=True,
    broker_heartbeat=0,
)


@worker_process_init.connect
def worker_init(**_):
    global cursor
    cursor = talk.connect()


@app.task(name="execute")
def execute(sql):
    cursor.execute(sql)


def publish(queries):
    with app.producer_pool.acquire(block=True) as producer:
        for sql in queries:
            execute.apply_async((sql,), producer=producer)


if __name__ == "__main__":
    queries = talk.statements(sys.argv[1])
    # Connects and declares the queue.
    publish(["DO 0"])
    app.control.purge()
    talk.timed(lambda: publish(queries))
