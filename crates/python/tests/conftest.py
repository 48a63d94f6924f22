"""Private servers for all tests, and a database of rows for each."""

import os
import subprocess

import pytest

import queryfleet

# Short waits, so that what a fleet does in minutes is seen in seconds.
os.environ["QUERYFLEET_RETRY_TIERS"] = "100ms,300ms,1s"
os.environ["QUERYFLEET_RUN_POLL_INTERVAL"] = "200ms"


@pytest.fixture(scope="session")
def fleet():
    with queryfleet.dev() as fleet:
        yield fleet


@pytest.fixture
def sql(fleet):
    """Asks the database with the plain client: rows as lists of texts."""
    url = os.environ["QUERYFLEET_MYSQL_URL"]
    user, server = url.split("://")[1].split("@")
    user, password = user.split(":")
    host, database = server.split("/")
    host, port = host.split(":")
    client = ["mariadb", "--no-defaults", "-N", "-B", f"-u{user}", f"-h{host}", f"-P{port}", database]

    def ask(text):
        done = subprocess.run(
            client, input=text, env={**os.environ, "MYSQL_PWD": password}, capture_output=True, text=True, check=True
        )
        return [line.split("\t") for line in done.stdout.splitlines()]

    return ask


@pytest.fixture
def counters(sql):
    """A table of so many counters, each 0; afterwards each has to be 1."""

    def make(count):
        rows = ",".join(f"({number})" for number in range(1, count + 1))
        sql(f"CREATE OR REPLACE TABLE t (id INT PRIMARY KEY, n INT NOT NULL DEFAULT 0); INSERT INTO t (id) VALUES {rows}")

    def check():
        assert sql("SELECT id, n FROM t WHERE n <> 1 LIMIT 10") == []

    make.each_once = check
    return make
