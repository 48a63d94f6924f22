"""What can go wrong. Each class has its facts as attributes."""

from typing import TYPE_CHECKING, Any, Dict, List, Tuple, Type

if TYPE_CHECKING:
    from ._fleet import DeadJob, RunStatus


class Error(Exception):
    """Something that was asked for was not done. Its text names the cause and the remedy, and holds no secret."""

    def __init__(self, message: str, **facts: Any) -> None:
        super().__init__(message)
        self._facts = facts
        self.__dict__.update(facts)

    def __reduce__(self) -> Tuple[Any, ...]:
        return _restored, (type(self), str(self), self._facts)


def _restored(kind: Type[Error], message: str, facts: Dict[str, Any]) -> Error:
    return kind(message, **facts)


class ConfigError(Error):
    """A setting is missing, unknown, or not usable."""


class StatementError(Error, ValueError):
    """A statement is refused: `index`, from 0, says which. Nothing was published."""

    index: int


class RunError(Error):
    """The run named `run` cannot be what was asked for.

    `fault` is "unknown", "differs" (it was begun with other statements or options), "repeats" (a run of the same
    statements is there), "cancelled", "purged", "state" or "name".
    """

    run: str
    fault: str


class Unavailable(Error):
    """The `server` ("broker" or "database") cannot be reached: worth another try."""

    server: str


class ServerError(Error):
    """The `server` ("broker" or "database") refuses: somebody has to do something."""

    server: str


class DeadJobs(Error):
    """Some jobs of a run failed for good; all others took effect.

    `jobs` are the first of them, at most 1,000, each a `DeadJob`; `status` is the `RunStatus`, whose `dead` counts all.
    """

    jobs: "List[DeadJob]"
    status: "RunStatus"


class RunEnded(Error):
    """A run ended before all of its jobs had: `end` says how, `status` is its `RunStatus`."""

    end: str
    status: "RunStatus"
