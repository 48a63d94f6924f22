"""Runs big batches of SQL exactly once on MySQL or MariaDB, with any number of workers, over RabbitMQ.

    from queryfleet import Pool

    with Pool(4) as pool:
        pool.map((f"DELETE FROM session WHERE id = {id}" for id in expired), run="cleanup-1")

`QUERYFLEET_AMQP_URL` and `QUERYFLEET_MYSQL_URL` name the servers.
"""

from typing import Any, Iterable, List, Optional

from ._errors import ConfigError, DeadJobs, Error, RunEnded, RunError, ServerError, StatementError, Unavailable
from ._fleet import DeadJob, Fleet, Hold, Published, Query, Replayed, RunEnd, RunStatus, dev
from ._pool import Outcome, Outcomes, Pool
from ._queryfleet import __version__

__all__ = [
    "ConfigError",
    "DeadJob",
    "DeadJobs",
    "Error",
    "Fleet",
    "Hold",
    "Outcome",
    "Outcomes",
    "Pool",
    "Published",
    "Query",
    "Replayed",
    "RunEnd",
    "RunEnded",
    "RunError",
    "RunStatus",
    "ServerError",
    "StatementError",
    "Unavailable",
    "__version__",
    "dead_jobs",
    "dev",
    "publish",
    "replay",
    "status",
    "wait",
]


def publish(queries: Iterable[Query], run: Optional[str] = None, chunksize: Optional[int] = None, **options: Any) -> Published:
    """`Fleet.publish` on the fleet of the environment."""
    return Fleet().publish(queries, run, chunksize, **options)


def wait(run: str, timeout: Optional[float] = None, **options: Any) -> RunEnd:
    """`Fleet.wait` on the fleet of the environment."""
    return Fleet().wait(run, timeout, **options)


def status(run: str) -> RunStatus:
    """`Fleet.status` on the fleet of the environment."""
    return Fleet().status(run)


def dead_jobs(run: str, most: int = 1000) -> List[DeadJob]:
    """`Fleet.dead_jobs` on the fleet of the environment."""
    return Fleet().dead_jobs(run, most)


def replay(run: str) -> Replayed:
    """`Fleet.replay` on the fleet of the environment."""
    return Fleet().replay(run)
