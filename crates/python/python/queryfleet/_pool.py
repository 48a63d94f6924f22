"""`multiprocessing.Pool` for queries: the same manners, exactly once."""

import collections
import itertools
from dataclasses import dataclass
from typing import Any, Deque, Iterable, Iterator, List, Optional, Sequence, Tuple, Union, overload

from ._fleet import Fleet, Progress, Query, RunEnd, RunStatus, iterator_of, raise_unless_done
from ._queryfleet import Running


@dataclass(frozen=True)
class Outcome:
    """A query that has ended."""

    #: Its place among the queries, from 0.
    index: int
    #: "done" (it took effect), "dead" (it failed for good: see `DeadJob`) or "cancelled".
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
    iterator = iterator_of(queries)
    for first in iterator:
        return itertools.chain((first,), iterator)
    return None


class _Running(Iterator[Outcome]):
    """The outcomes of a run that goes on in the background."""

    def __init__(self, fleet: Fleet, running: Running) -> None:
        self._fleet = fleet
        self._native = running
        self._found: Deque[Tuple[int, str]] = collections.deque()
        self._is_read = False
        self._is_over = False
        self._is_terminated = False

    def __next__(self) -> Outcome:
        try:
            while not self._found and self._look():
                pass
            if self._found:
                return Outcome(*self._found.popleft())
            if not self._is_over:
                self._is_over = True
                if self._is_terminated:
                    raise ValueError("the run was interrupted")
                end, status = self._native.end()
                raise_unless_done(self._fleet, RunEnd(end, RunStatus(*status)))
        except BaseException:
            self.close()
            raise
        raise StopIteration

    def _look(self) -> bool:
        """Waits for some; False once there are no more."""
        if not self._is_read:
            found = self._native.look()
            if found is not None:
                self._found.extend(found)
                return True
            self._is_read = True
        return False

    def _join(self) -> None:
        """Waits for the end of the run. What was found is kept for whoever iterates."""
        while not self._is_over and self._look():
            pass

    def close(self) -> None:
        """Interrupts the run, and gives no more outcomes."""
        self._is_over = self._is_read = True
        self._found.clear()
        self._native.interrupt()

    def _terminate(self) -> None:
        """Interrupts the run, unless all of it was read: whoever takes the next outcome is told so."""
        if not self._is_read:
            self._is_read = self._is_terminated = True
            self._found.clear()
            self._native.interrupt()


class Pool:
    """So many slots of this process, each with a connection of its own, beside whatever workers serve the queue elsewhere.

    `Pool(4)` takes its servers from the environment, `Pool(4, fleet=Fleet(…))` from the fleet. Nothing is started before
    the first `map`, and nothing runs after it, or after the block of `with`.
    """

    def __init__(self, processes: int = 4, *, fleet: Optional[Fleet] = None) -> None:
        self._slots = processes
        self._fleet = fleet if fleet is not None else Fleet()
        self._is_closed = False
        self._running: List[_Running] = []

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
        running = _Running(self._fleet, self._fleet._start(begun, self._slots, run, chunksize, options))
        # It goes on also if nobody keeps the iterator.
        self._running = [each for each in self._running if not each._is_over] + [running]
        return running

    def close(self) -> None:
        """No further `map`."""
        self._is_closed = True

    def terminate(self) -> None:
        """No further `map`, and interrupts what an `imap_unordered` has begun: the same call resumes it."""
        self._is_closed = True
        for running in self._running:
            running._terminate()

    def join(self) -> None:
        """Waits for what an `imap_unordered` has begun, also if nobody takes its outcomes; a `map` has ended already."""
        if not self._is_closed:
            raise ValueError("Pool is still running")
        for running in self._running:
            running._join()

    def __enter__(self) -> "Pool":
        self._check()
        return self

    def __exit__(self, *_: Any) -> None:
        self.terminate()

    def _check(self) -> None:
        if self._is_closed:
            raise ValueError("Pool not running")
