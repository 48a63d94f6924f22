"""Dramatiq on a quorum queue. usage: dramatiq_peer.py SCRIPT publishes; `dramatiq dramatiq_peer` executes"""

import os
import sys
import threading

import dramatiq
import talk
from dramatiq.brokers.rabbitmq import RabbitmqBroker
from dramatiq.middleware import Retries


class Broker(RabbitmqBroker):
    """Dramatiq has no setting for the type of its queues, but one place where their arguments are made."""

    def _build_queue_arguments(self, queue_name):
        return {**super()._build_queue_arguments(queue_name), "x-queue-type": "quorum"}


broker = Broker(url=os.environ["QUERYFLEET_AMQP_URL"], confirm_delivery=True, middleware=[Retries()])
dramatiq.set_broker(broker)
thread = threading.local()


@dramatiq.actor(actor_name="execute", queue_name="dramatiq")
def execute(sql):
    if not hasattr(thread, "cursor"):
        thread.cursor = talk.connect()
    thread.cursor.execute(sql)


def publish(queries):
    for sql in queries:
        execute.send(sql)


if __name__ == "__main__":
    queries = talk.statements(sys.argv[1])
    # Connects.
    broker.declare_queue("dramatiq", ensure=True)
    talk.timed(lambda: publish(queries))
