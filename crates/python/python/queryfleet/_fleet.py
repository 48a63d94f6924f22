"""A fleet: its servers and settings, and what a program does with it."""

import contextlib
import contextvars
import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Union

from . import _queryfleet
from ._errors import DeadJobs, Error, RunEnded

Query = Union[str, Tuple[str, Sequence[Any]], Tuple[str, Sequence[Any], Mapping[str, Any]]]
Progress = Callable[[str], Any]

_PREFIX = "QUERYFLEET_"
# Dead jobs that an exception has.
_MOST_JOBS = 1000


@dataclass(frozen=True)
class RunStatus:
    """How a run stands; all numbers are counted in the ledger."""

    id: int
    name: str
    queue: str
    #: "publishing", "running", "done", "finished" (with dead jobs), "repaired", "cancelled" or "purged".
    state: str
    total: Optional[int]
    published: int
    done: int
    dead: int
    cancelled: int
    started: int


@dataclass(frozen=True)
class RunEnd:
    """How waiting for a run ended."""

    #: "done", "dead", "repaired", "cancelled", "unapproved", "halted", "timed out" or "missing".
    end: str
    status: RunStatus


@dataclass(frozen=True)
class Published:
    """What a publish has published."""

    id: int
    name: str
    total: int
    #: Jobs that an earlier publish of the same run had published.
    before: int
    #: Dead jobs of another run that this one replaces.
    replaced: int


@dataclass(frozen=True)
class DeadJob:
    """A job that failed for good.

    It had no effect, unless its reason is "unknown": then nobody knows, and somebody has to look before it is brought back.
    One that is not atomic and failed halfway has the effects of its first half.
    """

    run: str
    #: Its place among the queries of its run, from 0.
    index: int
    reason: str
    code: Optional[int]
    sql_state: Optional[str]
    message: str
    attempts: int
    #: The query, to be repaired and published again, with its database and timeout if it has any; None if its message cannot
    #: be read.
    query: Optional[Query]


@dataclass(frozen=True)
class Replayed:
    """What became of dead jobs that were to be brought back."""

    jobs: int
    refused: int
    reasons: List[str]


@dataclass(frozen=True)
class Hold:
    """A hold on the queue: no job begins while it is in force."""

    id: int
    #: Who has placed it; "halt" when too many jobs of a run were dead.
    by: str
    because: str
    #: In UTC.
    since: str
    #: In UTC; None: until it is lifted.
    until: Optional[str]


class Fleet:
    """The servers and settings of one queue. Making one connects to nothing.

    Settings are those of the environment (`QUERYFLEET_AMQP_URL`, `QUERYFLEET_MYSQL_URL` and the rest of
    docs/environment.md); what is given here goes before it, by the variable's name without the prefix:
    `Fleet(amqp_url="amqp://…", mysql_url="mysql://…", queue="nightly")`.
    """

    def __init__(self, **settings: Any) -> None:
        variables = {name: value for name, value in os.environ.items() if name.startswith(_PREFIX)}
        for name, value in settings.items():
            name = _PREFIX + name.upper()
            # Given as a value here and in a file there, or the other way round, it would be given twice.
            base = name[: -len("_FILE")] if name.endswith("_FILE") else name
            variables.pop(base, None)
            variables.pop(base + "_FILE", None)
            variables[name] = str(value)
        self._native = _queryfleet.Fleet(variables)

    def setup(self) -> None:
        """Makes the tables and queues that are missing."""
        self._native.setup()

    def publish(
        self,
        queries: Iterable[Query],
        run: Optional[str] = None,
        chunksize: Optional[int] = None,
        *,
        progress: Optional[Progress] = None,
        **options: Any,
    ) -> Published:
        """Publishes queries as a run, and returns when the broker has confirmed the last. Workers execute them.

        A query is a str, or a tuple of a str with `?` for each value, and the values; and, as a third item, a dict with the
        `database` that it runs in, and its `timeout` in seconds. They are taken one after the other, on a thread of this
        package in a copy of the caller's context, and kept in a temporary file. If one is refused, nothing is published. The same queries under the same name
        resume the run.

        Options: `session_sql`, `not_atomic` ("repeat" or "park"), `allow_no_where`, `again`, `rate` (jobs per second),
        `max_backlog` (messages), `canary` (jobs), `halt` ("100" or "5%" dead jobs hold the queue), `replaces` (the run whose
        dead jobs this one replaces), `missing` (what the ledger lacks of a run, once more). `chunksize`: queries per message and transaction; None: what takes some
        30 ms together. `progress` is called with a line of text twice a second.
        """
        return Published(*self._native.publish(_taken(queries), _options(run, chunksize, options), progress))

    def run(
        self,
        queries: Iterable[Query],
        slots: int,
        run: Optional[str] = None,
        chunksize: Optional[int] = None,
        *,
        progress: Optional[Progress] = None,
        **options: Any,
    ) -> RunEnd:
        """Publishes queries, executes them with so many slots of this process, and waits for the end of the run."""
        return _end(*self._native.run(_taken(queries), slots, _options(run, chunksize, options), progress))

    def wait(
        self,
        run: str,
        timeout: Optional[float] = None,
        give_up_after: Optional[float] = None,
        *,
        progress: Optional[Progress] = None,
    ) -> RunEnd:
        """Waits for the end of a run: for `timeout` seconds, and until the database is away for `give_up_after` seconds."""
        return _end(*self._native.wait(run, timeout, give_up_after, progress))

    def status(self, run: str) -> RunStatus:
        """How a run stands."""
        return RunStatus(*self._native.status(run))

    def runs(self, most: int = 10) -> List[RunStatus]:
        """The newest runs."""
        return [RunStatus(*each) for each in self._native.runs(most)]

    def dead_jobs(self, run: str, most: int = _MOST_JOBS) -> List[DeadJob]:
        """Dead jobs of a run that nobody has decided about, in the order of their queries."""
        found = self._native.dead_jobs(run, most)
        return [
            DeadJob(*facts, query=_query(sql, values, database, timeout))
            for facts, sql, values, database, timeout in found
        ]

    def replay(self, run: str) -> Replayed:
        """Brings the dead jobs of a run back: each is executed once more, exactly once.

        One of the reason "unknown" may have had its effect before: look at `dead_jobs` first.
        """
        return Replayed(*self._native.replay(run))

    def discard(self, run: str) -> int:
        """Gives the dead jobs of a run up."""
        return self._native.discard(run)

    def cancel(self, run: str) -> RunStatus:
        """Cancels a run: what has not begun is never executed."""
        return RunStatus(*self._native.cancel(run))

    def approve(self, run: str) -> None:
        """Approves what a run has behind its canary."""
        self._native.approve(run)

    def pause(self, because: str = "", seconds: Optional[float] = None) -> int:
        """Holds the queue, until it is resumed or `seconds` have passed; returns the id of the hold."""
        return self._native.pause(because, seconds)

    def holds(self) -> List[Hold]:
        """The holds that are in force."""
        return [Hold(*each) for each in self._native.holds()]

    def resume(self, hold: int) -> None:
        """Lifts a hold."""
        self._native.resume(hold)

    def _start(
        self,
        queries: Iterable[Query],
        slots: int,
        run: Optional[str],
        chunksize: Optional[int],
        options: Dict[str, Any],
    ) -> _queryfleet.Running:
        return self._native.start(_taken(queries), slots, _options(run, chunksize, options))


def raise_unless_done(fleet: Fleet, ended: RunEnd) -> None:
    """Raises what a caller has to know who asked for all of it to be done."""
    status = ended.status
    if ended.end == "done":
        return
    if ended.end == "repaired":
        text = f"run {status.name}: {status.done} done; {status.dead} were dead, and given up or replaced by another run"
        raise RunEnded(text, end=ended.end, status=status)
    if ended.end == "dead":
        try:
            jobs = fleet.dead_jobs(status.name)
        except Error:
            # That there are some is what has to be said.
            jobs = []
        lines = [f"run {status.name}: {status.done} done, {status.dead} dead"]
        lines += [f"query {job.index}: {job.message}" for job in jobs[:5]]
        raise DeadJobs("; ".join(lines), status=status, jobs=jobs)
    raise RunEnded(f"run {status.name}: {ended.end} with {status.done} done", end=ended.end, status=status)


def _options(run: Optional[str], chunksize: Optional[int], options: Dict[str, Any]) -> Dict[str, Any]:
    known = (
        "session_sql",
        "not_atomic",
        "allow_no_where",
        "again",
        "rate",
        "max_backlog",
        "canary",
        "halt",
        "replaces",
        "missing",
    )
    for name in options:
        if name not in known:
            raise TypeError(f"unknown option {name}: expected one of {', '.join(known)}")
    made: Dict[str, Any] = dict.fromkeys(known)
    made.update(run=run, chunksize=chunksize, allow_no_where=False, again=False, missing=False)
    made.update(options)
    return made


def _end(end: str, status: Sequence[Any]) -> RunEnd:
    return RunEnd(end, RunStatus(*status))


def _query(sql: Optional[str], values: List[Any], database: Optional[str], timeout: Optional[float]) -> Optional[Query]:
    if sql is None:
        return None
    settings = {"database": database, "timeout": timeout}
    settings = {name: value for name, value in settings.items() if value is not None}
    if settings:
        return (sql, values, settings)
    return (sql, values) if values else sql


_END = object()


def iterator_of(queries: Iterable[Query]) -> Iterator[Query]:
    """An iterator of the queries, which a text is not, although it can be iterated."""
    if isinstance(queries, (str, bytes)):
        raise TypeError("queries is one text: expected an iterable of queries")
    return iter(queries)


def _taken(queries: Iterable[Query]) -> Iterator[Query]:
    """The queries, each taken in a copy of the caller's context: that of decimals decides how they are computed."""
    return _in_context(iterator_of(queries), contextvars.copy_context())


def _in_context(queries: Iterator[Query], context: contextvars.Context) -> Iterator[Query]:
    while True:
        query = context.run(next, queries, _END)
        if query is _END:
            return
        yield query  # type: ignore[misc]


@contextlib.contextmanager
def dev() -> Iterator[Fleet]:
    """A fleet on a private RabbitMQ and a private database, which end with the block, and all that is in them.

    For its time the environment names them, so that `Pool()` and other programs find them, too. It needs the servers'
    programs on this machine: `make setup` installs them.
    """
    servers = _queryfleet.Servers()
    variables = servers.env()
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        fleet = Fleet()
        fleet.setup()
        yield fleet
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        servers.stop()
