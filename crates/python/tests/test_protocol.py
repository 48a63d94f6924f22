"""docs/protocol.md is enough: its test vectors, and a run that is published by nothing of queryfleet."""

import json
import os
from pathlib import Path

import pika
import protocol
import pytest

import queryfleet

VECTORS = Path(__file__).parents[3] / "tests" / "vectors" / "protocol.json"


def test_the_vectors_are_what_the_page_says():
    assert json.loads(VECTORS.read_text()) == protocol.vectors()


def publish(sql, jobs, name, key=None, chunk=2):
    """Publishes a run, step by step as docs/protocol.md numbers them."""
    schema = os.environ["QUERYFLEET_MYSQL_URL"].rsplit("/", 1)[1]
    assert sql("SELECT value FROM queryfleet_meta WHERE name = 'schema_version'") == [["3"]]
    ledger = sql("SELECT value FROM queryfleet_meta WHERE name = 'ledger'")[0][0]
    run = protocol.fresh_id()
    digest = protocol.input_digest(jobs)
    sql(f"INSERT INTO queryfleet_run (id, name, queue, digest, chunk) VALUES ({run}, '{name}', 'default', 0x{digest}, {chunk})")
    made = protocol.manifest(ledger, run, "default", schema, jobs)
    signature = f"'{protocol.sign_manifest(key, made)}'" if key else "NULL"
    sql(f"UPDATE queryfleet_run SET manifest = 0x{made.hex()}, manifest_signature = {signature} WHERE id = {run}")
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["QUERYFLEET_AMQP_URL"]))
    channel = connection.channel()
    channel.confirm_delivery()
    jobs = protocol.numbered(jobs)
    for first in range(0, len(jobs), chunk):
        body = protocol.body(ledger, run, made, jobs[first : first + chunk])
        headers = {"x-queryfleet-signature": protocol.sign(key, body)} if key else {}
        properties = pika.BasicProperties(
            delivery_mode=2, message_id=f"{run}/{first + 1}", content_type="application/json", headers=headers
        )
        # Raises unless the broker has confirmed it.
        channel.basic_publish("queryfleet", "queryfleet.default", body, properties, mandatory=True)
    connection.close()
    sql(
        f"UPDATE queryfleet_run SET confirmed = {len(jobs)}, total = {len(jobs)}, state = 'published' "
        f"WHERE id = {run} AND state = 'publishing'"
    )


JOBS = [
    {"sql": "UPDATE t SET n = n + 1 WHERE id = 1"},
    {"sql": "UPDATE t SET n = n + ? WHERE id = ?", "params": [1, 2]},
    {"sql": "UPDATE t SET n = n + ? WHERE id = ?", "params": ["1", 3], "timeout_ms": 60000},
    {"sql": "UPDATE t SET n = n + LENGTH(?) WHERE id = 4", "params": [{"base64": "AA=="}]},
    {"sql": "UPDATE t SET n = n + ? WHERE id = 5", "params": [1.0]},
]


def serve(jobs, run):
    """Serves the queue until a run of our own is done: behind those that are published."""
    with queryfleet.Pool(2) as pool:
        pool.map(["DO 1"], run=run)


@pytest.mark.parametrize("key", [None, b"a key of 16 bytes or more"])
def test_a_run_of_another_producer_is_executed_exactly_once(fleet, counters, sql, key, monkeypatch):
    if key:
        monkeypatch.setenv("QUERYFLEET_SIGNING_KEY", key.decode())
    counters(5)
    name = f"foreign-{bool(key)}"
    publish(sql, JOBS, name, key)
    serve(JOBS, f"behind-{name}")
    ended = queryfleet.wait(name)
    assert (ended.end, ended.status.done, ended.status.total) == ("done", 5, 5)
    counters.each_once()
    # The binary's own digest of the same jobs is the same: it finds the run, and nothing to do.
    queries = [
        "UPDATE t SET n = n + 1 WHERE id = 1",
        ("UPDATE t SET n = n + ? WHERE id = ?", [1, 2]),
    ]
    with pytest.raises(queryfleet.RunError) as raised:
        queryfleet.publish(queries, run=name)
    assert raised.value.fault == "differs"


def test_what_is_not_signed_is_not_executed(fleet, counters, sql, monkeypatch):
    monkeypatch.setenv("QUERYFLEET_SIGNING_KEY", "a key of 16 bytes or more")
    counters(5)
    publish(sql, JOBS, "unsigned", b"another key, of 16 bytes")
    serve(JOBS, "behind-unsigned")
    assert queryfleet.wait("unsigned", timeout=1).status.done == 0
    assert sql("SELECT COUNT(*) FROM t WHERE n <> 0") == [["0"]]
