"""The Python package beside the pool that it replaces, and beside Celery's ways to publish.

usage: python_sides.py [ROUNDS] starts private servers and prints a table; python_sides.py SIDE NUMBER is one measurement.
"""

import statistics
import subprocess
import sys
import time

JOBS = 20_000
SLOTS = 4
MAPS = ("multiprocessing.Pool(4), chunksize 1", "queryfleet.Pool(4)", "queryfleet.Pool(4), chunksize=1")
PUBLISHES = ("queryfleet.publish", "queryfleet.publish, chunksize=1", "celery delay", "celery group.apply_async")


def queries():
    return (f"UPDATE t SET n = n + 1 WHERE id = {number}" for number in range(1, JOBS + 1))


def worker_init():
    import talk

    global cursor
    cursor = talk.connect()


def worker_do(sql):
    cursor.execute(sql)


def measure(side, number):
    """Seconds from the call to its return."""
    if side == MAPS[0]:
        import multiprocessing

        pool = multiprocessing.Pool(SLOTS, initializer=worker_init)
        # All of them are connected when each has taken one of these.
        pool.map(time.sleep, [0.2] * SLOTS, 1)
        since = time.perf_counter()
        pool.map(worker_do, queries(), 1)
    elif side.startswith("queryfleet"):
        import queryfleet

        chunksize = 1 if side.endswith("=1") else None
        run = f"{side}-{number}"
        since = time.perf_counter()
        if side in MAPS:
            queryfleet.Pool(SLOTS).map(queries(), chunksize, run)
        else:
            queryfleet.publish(queries(), run, chunksize)
            print(time.perf_counter() - since)
            queryfleet.Fleet().cancel(run)
            # The next side finds an empty queue: these messages are swept out before the one behind them.
            queryfleet.Pool(SLOTS).map(["DO 1"], run=f"behind {run}")
            return
    else:
        from celery import group
        from celery_peer import app, execute

        execute.delay("DO 0")
        since = time.perf_counter()
        if side.endswith("delay"):
            for sql in queries():
                execute.delay(sql)
        else:
            group(execute.s(sql) for sql in queries()).apply_async()
        print(time.perf_counter() - since)
        app.control.purge()
        return
    print(time.perf_counter() - since)


def main(rounds):
    import queryfleet
    import talk

    seconds = {side: [] for side in MAPS + PUBLISHES}
    with queryfleet.dev():
        cursor = talk.connect()
        cursor.execute("CREATE TABLE t (id INT PRIMARY KEY, n INT NOT NULL)")
        cursor.executemany("INSERT INTO t VALUES (%s, 0)", [(number,) for number in range(1, JOBS + 1)])
        for number in range(rounds):
            for side in MAPS + PUBLISHES:
                call = [sys.executable, "-B", __file__, side, str(number)]
                seconds[side].append(float(subprocess.check_output(call, text=True)))
        cursor.execute("SELECT MIN(n), MAX(n) FROM t")
        assert cursor.fetchone() == (rounds * len(MAPS),) * 2, "each query once per round and side"
    for sides, title in ((MAPS, "from map to its return"), (PUBLISHES, "publishing from a generator")):
        print(f"\n{JOBS:,} single-row UPDATEs, {title}; medians of {rounds} alternating rounds:\n")
        print("| side | seconds | lowest to highest | statements/s |\n| --- | --- | --- | --- |")
        for side in sides:
            median = statistics.median(seconds[side])
            spread = f"{min(seconds[side]):.2f} to {max(seconds[side]):.2f}"
            print(f"| {side} | {median:.2f} | {spread} | {JOBS / median:,.0f} |")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        measure(sys.argv[1], sys.argv[2])
    else:
        main(int(sys.argv[1]) if sys.argv[1:] else 5)
