"""What the type checker has to say about a user's program: nothing where it is right."""

from typing import List

from queryfleet import DeadJobs, Outcome, Pool, Published, publish

with Pool(4) as pool:
    outcomes: List[Outcome] = list(pool.map(["DO 1", ("DO ?", [1])], run="typed"))
    for outcome in pool.imap_unordered(("DO 1" for _ in range(3)), chunksize=1):
        index: int = outcome.index
    try:
        pool.map(["DO 1"])
    except DeadJobs as error:
        print(error)
published: Published = publish(["DO 1"], run="typed-2", rate=5)
