"""The small program that queryfleet grew out of. usage: pool.py PROCESSES SCRIPT [whole]"""

import multiprocessing
import sys
import time

import talk


def worker_init():
    global cursor
    cursor = talk.connect()


def worker_do(sql):
    cursor.execute(sql)


if __name__ == "__main__":
    processes, queries = int(sys.argv[1]), talk.statements(sys.argv[2])
    if sys.argv[3:] == ["whole"]:
        with multiprocessing.Pool(processes, initializer=worker_init) as pool:
            pool.map(worker_do, queries, 1)
        sys.exit()
    pool = multiprocessing.Pool(processes, initializer=worker_init)
    # All of them are connected when each has taken one of these.
    pool.map(time.sleep, [0.2] * processes, 1)
    talk.timed(lambda: pool.map(worker_do, queries, 1))
    pool.close()
    pool.join()
