"""What all peers share: the connection, the statements, and the words that they exchange with the bench."""

import os
import sys
from urllib.parse import unquote, urlsplit

import MySQLdb


def connect():
    """A cursor on an autocommit connection of its own, over TCP."""
    url = urlsplit(os.environ["QUERYFLEET_MYSQL_URL"])
    return MySQLdb.connect(
        host=url.hostname,
        port=url.port,
        user=unquote(url.username),
        passwd=unquote(url.password),
        db=url.path[1:],
        autocommit=True,
    ).cursor()


def statements(path):
    """The statements of a script, one a line."""
    with open(path, encoding="utf-8") as script:
        return [line.rstrip(";\n") for line in script]


def timed(work):
    """Runs `work` between the bench's two words; what comes before and after is not measured."""
    print("ready", flush=True)
    sys.stdin.readline()
    work()
    print("done", flush=True)
    sys.stdin.readline()
