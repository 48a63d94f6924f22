"""`Pool`, with the manners of `multiprocessing.Pool`."""

import decimal
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

import queryfleet
from queryfleet import DeadJobs, Outcome, Pool


def updates(ids):
    return (f"UPDATE t SET n = n + 1 WHERE id = {number}" for number in ids)


@pytest.mark.parametrize("chunksize", [None, 1, 32])
def test_every_query_takes_effect_exactly_once(fleet, counters, chunksize):
    counters(2000)
    with Pool(4) as pool:
        outcomes = pool.map(updates(range(1, 2001)), chunksize=chunksize, run=f"once-{chunksize}")
        assert len(outcomes) == 2000
        assert outcomes[7] == Outcome(7, "done") and outcomes[-1].index == 1999
        assert [each.index for each in outcomes[2:4]] == [2, 3]
        assert sum(1 for _ in outcomes) == 2000
        # The same call again finds all of it done.
        assert pool.map(updates(range(1, 2001)), chunksize=chunksize, run=f"once-{chunksize}").status.done == 2000
    counters.each_once()


def test_what_failed_is_raised_at_the_end_and_everything_else_is_done(fleet, counters):
    counters(1000)
    queries = list(updates(range(1, 1001)))
    queries[500:500] = ["INSERT INTO t (id) VALUES (1)", ("INSERT INTO t (id, n) VALUES (?, ?)", (2, 0))]
    with Pool(4) as pool, pytest.raises(DeadJobs) as raised:
        pool.map(queries, run="failing")
    error = raised.value
    assert (error.status.done, error.status.dead) == (1000, 2)
    assert [(job.index, job.code, job.query) for job in error.jobs] == [
        (500, 1062, "INSERT INTO t (id) VALUES (1)"),
        (501, 1062, ("INSERT INTO t (id, n) VALUES (?, ?)", [2, 0])),
    ]
    assert "query 500: Duplicate entry" in str(error)
    assert pickle.loads(pickle.dumps(error)).jobs == error.jobs
    counters.each_once()
    assert queryfleet.replay("failing") == queryfleet.Replayed(2, 0, [])


def test_outcomes_come_as_queries_end(fleet, counters):
    counters(3000)
    queries = (f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.001) WHERE id = {number}" for number in range(1, 3001))
    with Pool(4) as pool:
        outcomes = pool.imap_unordered(queries, chunksize=10, run="told")
        first = next(outcomes)
        assert fleet.status("told").state in ("publishing", "running"), "the first comes before the end"
        seen = [first, *outcomes]
    assert sorted(each.index for each in seen) == list(range(3000))
    assert {each.end for each in seen} == {"done"}
    counters.each_once()


def test_outcomes_of_a_run_that_fails_come_all_before_the_exception(fleet, counters):
    counters(10)
    queries = [*updates(range(1, 11)), "INSERT INTO t (id) VALUES (1)"]
    seen = []
    with Pool(2) as pool, pytest.raises(DeadJobs):
        for outcome in pool.imap_unordered(queries, run="told-failing"):
            seen.append(outcome)
    assert sorted((each.index, each.end) for each in seen) == [*((index, "done") for index in range(10)), (10, "dead")]


def test_an_iterator_that_is_closed_is_resumed(fleet, counters):
    counters(400)

    def queries():
        return (f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.01) WHERE id = {number}" for number in range(1, 401))

    with Pool(2) as pool:
        outcomes = pool.imap_unordered(queries(), chunksize=1, run="closed")
        next(outcomes)
        outcomes.close()
        assert pool.map(queries(), chunksize=1, run="closed").status.done == 400
    counters.each_once()


def test_join_waits_for_what_nobody_takes(fleet, counters):
    counters(300)
    with Pool(2) as pool:
        outcomes = pool.imap_unordered(updates(range(1, 201)), chunksize=1, run="joined")
        pool.imap_unordered(updates(range(201, 301)), chunksize=1, run="joined-and-dropped")
        pool.close()
        pool.join()
    assert fleet.status("joined").state == fleet.status("joined-and-dropped").state == "done"
    assert sorted(outcome.index for outcome in outcomes) == list(range(200))
    counters.each_once()


def test_what_a_block_has_begun_ends_with_it_and_says_so(fleet, counters):
    counters(200)

    def queries():
        return (f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.05) WHERE id = {number}" for number in range(1, 201))

    with Pool(1) as pool:
        outcomes = pool.imap_unordered(queries(), chunksize=1, run="left")
        next(outcomes)
    with pytest.raises(ValueError, match="interrupted"):
        next(outcomes)
    assert fleet.status("left").done < 200
    with Pool(8) as pool:
        assert pool.map(queries(), chunksize=1, run="left").status.done == 200
    counters.each_once()


def test_queries_are_made_in_the_context_of_the_caller(fleet, sql):
    sql("CREATE TABLE texts (id INT PRIMARY KEY, text VARCHAR(100))")
    D = decimal.Decimal
    made = [lambda: D(1) / D(7), lambda: D("12.50"), lambda: D("-10.00"), lambda: 1.0, lambda: 0.5, lambda: 10**20]
    with decimal.localcontext() as context, Pool(1) as pool:
        context.prec = 20
        pool.map((("INSERT INTO texts VALUES (?, ?)", (n, make())) for n, make in enumerate(made)), run="context")
    texts = [text for (text,) in sql("SELECT text FROM texts ORDER BY id")]
    assert texts == ["0.14285714285714285714", "12.50", "-10.00", "1.0", "0.5", "100000000000000000000"]


def test_no_queries_are_no_error_for_a_pool(fleet):
    before = fleet.runs(1)
    with Pool(2) as pool:
        assert list(pool.map([])) == [] and len(pool.map(iter(()), run="none")) == 0
        assert list(pool.imap_unordered(query for query in ())) == []
        for text in ("DO 1", b"DO 1"):
            with pytest.raises(TypeError, match="one text"):
                pool.map(text)
            with pytest.raises(TypeError, match="one text"):
                pool.imap_unordered(text)
    assert fleet.runs(1) == before


def test_a_pool_that_is_closed_takes_nothing(fleet):
    pool = Pool(2)
    with pytest.raises(ValueError, match="still running"):
        pool.join()
    pool.close()
    pool.join()
    with pytest.raises(ValueError, match="not running"):
        pool.map(["DO 1"])
    with pytest.raises(ValueError, match="not running"), pool:
        pass


def test_the_interpreter_is_free_meanwhile(fleet, counters):
    counters(100)
    turns = 0

    def count():
        nonlocal turns
        while not over.is_set():
            turns += 1
            time.sleep(0.001)

    over = threading.Event()
    counter = threading.Thread(target=count)
    counter.start()
    queries = (f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.02) WHERE id = {number}" for number in range(1, 101))
    with Pool(2) as pool:
        pool.map(queries, chunksize=1, run="free")
    over.set()
    counter.join()
    assert turns > 200
    counters.each_once()


def test_progress_is_told(fleet, counters):
    counters(300)
    lines = []
    queries = (f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.01) WHERE id = {number}" for number in range(1, 301))
    with Pool(2) as pool:
        pool.map(queries, chunksize=1, run="progress", progress=lines.append)
    assert lines[-1] == "run progress: 300 jobs ended of 300"
    counters.each_once()
    # Its job may still wait in the queue, for the next test.
    with Pool(2) as pool, pytest.raises(ZeroDivisionError):
        pool.map(["DO 1"], run="progress-2", progress=lambda _: 1 / 0)


SCRIPT = """
    import sys
    from queryfleet import Pool

    def queries():
        for number in range(1, 301):
            yield f"UPDATE t SET n = n + 1 + 0 * SLEEP(0.02) WHERE id = {number}"

    try:
        with Pool(2) as pool:
            pool.map(queries(), chunksize=1, run=sys.argv[1])
    except KeyboardInterrupt:
        print("interrupted")
        raise SystemExit(130)
    print("done")
"""


@pytest.mark.parametrize("with_signal", [signal.SIGINT, signal.SIGKILL])
def test_a_program_that_is_interrupted_or_killed_is_started_again(fleet, counters, sql, with_signal, tmp_path):
    counters(300)
    script = tmp_path / "job.py"
    script.write_text(textwrap.dedent(SCRIPT))
    run = f"program-{with_signal.name}"
    call = [sys.executable, str(script), run]
    program = subprocess.Popen(call, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while sql("SELECT COUNT(*) > 20 FROM t WHERE n > 0") != [["1"]]:
        assert time.monotonic() < deadline and program.poll() is None
        time.sleep(0.05)
    program.send_signal(with_signal)
    since = time.monotonic()
    said, _ = program.communicate(timeout=20)
    if with_signal == signal.SIGINT:
        assert (program.returncode, said) == (130, "interrupted\n")
        assert time.monotonic() - since < 2, "at once"
    assert sql("SELECT COUNT(*) < 300 FROM t WHERE n > 0") == [["1"]]
    again = subprocess.run(call, stdout=subprocess.PIPE, text=True, timeout=60)
    assert (again.returncode, again.stdout) == (0, "done\n")
    counters.each_once()


def test_a_fork_has_threads_of_its_own(fleet, counters):
    counters(2)
    with Pool(1) as pool:
        pool.map(updates([1]), run="before-the-fork")
    child = os.fork()
    if child == 0:
        with Pool(1) as pool:
            pool.map(updates([2]), run="in-the-fork")
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    counters.each_once()


def test_memory_does_not_grow_with_the_number_of_queries(fleet, tmp_path):
    script = tmp_path / "large.py"
    script.write_text(
        textwrap.dedent(
            """
            import resource, sys
            import queryfleet

            queries = (("DO ?", (number,)) for number in range(int(sys.argv[1])))
            queryfleet.publish(queries, run=f"large-{sys.argv[1]}", chunksize=1000)
            print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            """
        )
    )

    def peak_kib(count):
        return int(subprocess.check_output([sys.executable, str(script), str(count)], text=True))

    small, large = peak_kib(1000), peak_kib(200_000)
    assert large - small < 32 << 10, (small, large)


def test_the_migration_that_the_docs_show_works(fleet, counters):
    counters(500)
    text = (Path(__file__).parents[3] / "docs" / "programs.md").read_text()
    new = text.split("<!-- the new lines -->\n```python\n")[1].split("```")[0]
    namespace = {}
    exec(compile(new, "programs.md", "exec"), namespace)  # noqa: S102 our own page
    counters.each_once()
