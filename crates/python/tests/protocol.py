"""A producer that uses nothing of queryfleet: docs/protocol.md in plain Python."""

import base64
import hashlib
import hmac
import json
import secrets
import struct
import time

EPOCH_MS = 1_704_067_200_000


def fresh_id():
    return (time.time_ns() // 1_000_000 - EPOCH_MS) << 12 | secrets.randbits(12)


def input_digest(jobs):
    """SHA-256 over all jobs."""
    digest = hashlib.sha256()

    def text(data):
        digest.update(struct.pack("<Q", len(data)) + data)

    for job in jobs:
        text(job["sql"].encode())
        text(job.get("database", "").encode())
        params = job.get("params", [])
        digest.update(struct.pack("<Q", len(params)))
        for value in params:
            if value is None:
                digest.update(bytes(9))
            elif isinstance(value, int):
                digest.update(struct.pack("<Bq", 1, value) if value < 1 << 63 else struct.pack("<BQ", 2, value))
            elif isinstance(value, float):
                digest.update(struct.pack("<Bd", 3, value))
            elif isinstance(value, str):
                digest.update(b"\x04")
                text(value.encode())
            else:
                digest.update(b"\x05")
                text(base64.b64decode(value["base64"]))
        digest.update(struct.pack("<Q", job.get("timeout_ms", 0)))
    return digest.hexdigest()


def encoded(value):
    """JSON, as short as it can be written."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def manifest(ledger, run, queue, schema, jobs, session_sql=None, not_atomic=None):
    """The bytes of a run's manifest."""
    fields = {"v": 1, "ledger": ledger, "run": run, "queue": queue, "schema": schema, "session_sql": session_sql}
    return encoded({**fields, "not_atomic": not_atomic, "input": input_digest(jobs), "total": len(jobs)})


def body(ledger, run, manifest_bytes, jobs):
    """The body of a message with these jobs."""
    digest = hashlib.sha256(manifest_bytes).hexdigest()
    return encoded({"v": 2, "run": run, "ledger": ledger, "manifest": digest, "jobs": jobs})


def sign(key, data):
    """The signature of a message's body."""
    return hmac.new(key, data, hashlib.sha256).hexdigest()


def sign_manifest(key, data):
    """The signature of a manifest."""
    return sign(key, b"queryfleet/2\0run\0" + data)


def numbered(jobs):
    """The jobs with their places."""
    return [{"seq": seq, **job} for seq, job in enumerate(jobs, 1)]


def vectors():
    """The test vectors, made of their inputs."""
    key = b"a key of 16 bytes or more"
    ledger, run = "00112233445566778899aabbccddeeff", 375_690_647_957_143
    jobs = [
        {"sql": "UPDATE t SET n = n + 1 WHERE id = 7"},
        {
            "sql": "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?)",
            "params": [None, -(1 << 63), (1 << 64) - 1, 0.1, 'it\'s "ä" \\ 😀\n', {"base64": "AP8n"}, -1.5e300],
            "database": "shöp",
            "timeout_ms": 90_000,
        },
        {"sql": "DELETE FROM t WHERE id = ?", "params": [1]},
    ]
    made = manifest(ledger, run, "nightly", "shop", jobs, session_sql="SET sql_mode = 'ANSI'")
    message = body(ledger, run, made, numbered(jobs)[:2])
    return {
        "key": key.decode(),
        "ledger": ledger,
        "run": run,
        "queue": "nightly",
        "schema": "shop",
        "session_sql": "SET sql_mode = 'ANSI'",
        "jobs": numbered(jobs),
        "input": input_digest(jobs),
        "manifest": made.decode(),
        "manifest_digest": hashlib.sha256(made).hexdigest(),
        "manifest_signature": sign_manifest(key, made),
        "body": message.decode(),
        "message_id": f"{run}/1",
        "signature": sign(key, message),
    }


if __name__ == "__main__":
    print(json.dumps(vectors(), indent=2, ensure_ascii=False))
