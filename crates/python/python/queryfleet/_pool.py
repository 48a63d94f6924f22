"""`multiprocessing.Pool` for queries: the same manners, exactly once."""

import itertools
from dataclasses import dataclass
from typing import Any, Iterable, Iterator, List, Optional, Sequence, Union, overload

from ._fleet import Fleet, Progress, Query, RunEnd, RunStatus, raise_unless_done
from ._queryfleet import Running


@dataclass(frozen=True)
class Outcome:
    """A query that has ended."""

    #: Its place among the queries, from 0.
    index: int
    #: "done" (it took effect), "dead" (it failed for good, without effect) or "cancelled".
    end: str


class Outcomes(Sequence[Outcome]):
    """The outcomes of a `map`, in the order of its queries. All took effect: what did not is an exception."""

    def __init__(self, status: Optional[RunStatus]) -> None:
        #: How the run stands; None if there were no queries, and so no run.
        self.status = status

    def __len__(self) -> int:
        return (self.status.total or 0) if self.status else 0

    @overload
    def __getitem__(self, index: int) -> Outcome: ...

    @overload
    def __getitem__(self, index: slice) -> List[Outcome]: ...

    def __getitem__(self, index: Union[int, slice]) -> Union[Outcome, List[Outcome]]:
        chosen = range(len(self))[index]
        if isinstance(chosen, range):
            return [Outcome(each, "done") for each in chosen]
        return Outcome(chosen, "done")

    def __repr__(self) -> str:
        return f"<Outcomes of run {self.status.name}: {len(self)} done>" if self.status else "<Outcomes of no queries>"


def _begun(queries: Iterable[Query]) -> Optional[Iterator[Query]]:
    """The queries, of which there is at least one; None if there is none, which is no error for a pool."""
    if isinstance(queries, (str, bytes)):
        raise TypeError("queries is one text: expected an iterable of queries")
    iterator = iter(queries)
    for first in iterator:
        return itertools.chain((first,), iterator)
    return None


class Pool:
    """So many slots of this process, each with a connection of its own, beside whatever workers serve the queue elsewhere.

    `Pool(4)` takes its servers from the environment, `Pool(4, fleet=Fleet(…))` from the fleet. Nothing is started before
    the first `map`, and nothing runs after it.
    """

    def __init__(self, processes: int = 4, *, fleet: Optional[Fleet] = None) -> None:
        self._slots = processes
        self._fleet = fleet if fleet is not None else Fleet()
        self._is_closed = False

    def map(
        self,
        queries: Iterable[Query],
        chunksize: Optional[int] = None,
        run: Optional[str] = None,
        *,
        progress: Optional[Progress] = None,
        **options: Any,
    ) -> Outcomes:
        """Executes every query exactly once and returns when the last has ended.

        A query that fails ends no other one; at the end `DeadJobs` is raised with those that did, and their errors.
        With a name (`run`) the same call resumes what was interrupted, by Ctrl-C or the end of the machine: what has
        taken effect is not executed again. Without one, a call with the same queries is refused while its run is known:
        say `run`, or `again=True`. More arguments: those of `Fleet.publish`.
        """
        self._check()
        begun = _begun(queries)
        if begun is None:
            return Outcomes(None)
        ended = self._fleet.run(begun, self._slots, run, chunksize, progress=progress, **options)
        raise_unless_done(self._fleet, ended)
        return Outcomes(ended.status)

    def imap_unordered(
        self,
        queries: Iterable[Query],
        chunksize: Optional[int] = None,
        run: Optional[str] = None,
        **options: Any,
    ) -> Iterator[Outcome]:
        """The same, as an iterator of outcomes as they come: each query once, in no order. At its end it raises as `map`.

        Of a run that is resumed, the outcomes of before are among them. Closing the iterator interrupts the run.
        """
        self._check()
        begun = _begun(queries)
        if begun is None:
            return iter(())
        return self._outcomes(self._fleet._start(begun, self._slots, run, chunksize, options))

    def _outcomes(self, running: Running) -> Iterator[Outcome]:
        try:
            while True:
                found = running.look()
                if found is None:
                    break
                for index, end in found:
                    yield Outcome(index, end)
            end, status = running.end()
            raise_unless_done(self._fleet, RunEnd(end, RunStatus(*status)))
        finally:
            running.interrupt()

    def close(self) -> None:
        """No further `map`."""
        self._is_closed = True

    def terminate(self) -> None:
        """No further `map`; there is nothing that runs without one."""
        self._is_closed = True

    def join(self) -> None:
        """Returns at once: a `map` returns when all of it has ended."""
        if not self._is_closed:
            raise ValueError("Pool is still running")

    def __enter__(self) -> "Pool":
        self._check()
        return self

    def __exit__(self, *_: Any) -> None:
        self.terminate()

    def _check(self) -> None:
        if self._is_closed:
            raise ValueError("Pool not running")
