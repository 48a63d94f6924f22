"""Fleets that run elsewhere: publish, wait, status, dead jobs, replay, pause."""

import os
import subprocess
import sys

import pytest

import queryfleet
from queryfleet import ConfigError, DeadJobs, Fleet, Pool, RunEnded, RunError, Unavailable


def test_a_run_is_published_here_and_executed_elsewhere(fleet, counters, sql):
    counters(100)
    queries = [("UPDATE t SET n = n + 1 WHERE id = ?", [number]) for number in range(1, 101)]
    published = queryfleet.publish(queries, run="elsewhere")
    assert (published.name, published.total, published.before) == ("elsewhere", 100, 0)
    assert queryfleet.wait("elsewhere", timeout=0).end == "timed out"
    assert queryfleet.status("elsewhere").state == "running"
    # Any worker: here another Python process, which makes the same call.
    program = "import queryfleet as q; q.Pool(2).map([('UPDATE t SET n = n + 1 WHERE id = ?', [i]) for i in range(1, 101)], run='elsewhere')"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    ended = queryfleet.wait("elsewhere")
    assert (ended.end, ended.status.done, ended.status.total) == ("done", 100, 100)
    counters.each_once()


def test_dead_jobs_are_looked_at_replayed_and_given_up(fleet, sql):
    sql("CREATE TABLE gone (id INT)")
    hold = fleet.pause("to take the table away")
    queryfleet.publish(["INSERT INTO gone VALUES (1)", "INSERT INTO gone VALUES (2)"], run="dead")
    sql("DROP TABLE gone")
    fleet.resume(hold)
    with pytest.raises(queryfleet.DeadJobs):
        Pool(1).map(["INSERT INTO gone VALUES (1)", "INSERT INTO gone VALUES (2)"], run="dead")
    assert [(job.index, job.code, job.query) for job in queryfleet.dead_jobs("dead")] == [
        (0, 1146, "INSERT INTO gone VALUES (1)"),
        (1, 1146, "INSERT INTO gone VALUES (2)"),
    ]
    assert len(queryfleet.dead_jobs("dead", most=1)) == 1
    sql("CREATE TABLE gone (id INT)")
    assert queryfleet.replay("dead").jobs == 2
    assert Pool(1).map(["INSERT INTO gone VALUES (1)", "INSERT INTO gone VALUES (2)"], run="dead").status.dead == 0
    assert sql("SELECT COUNT(*) FROM gone") == [["2"]]
    assert fleet.discard("dead") == 0


def test_errors_have_their_facts(fleet):
    with pytest.raises(RunError) as raised:
        queryfleet.wait("unknown")
    assert (raised.value.run, raised.value.fault) == ("unknown", "unknown")
    queryfleet.publish(["DO 7"], run="facts")
    with pytest.raises(RunError) as raised:
        queryfleet.publish(["DO 8"], run="facts")
    assert raised.value.fault == "differs"
    with pytest.raises(RunError) as raised:
        queryfleet.publish(["DO 7"])
    assert (raised.value.run, raised.value.fault) == ("facts", "repeats")
    assert fleet.cancel("facts").state == "cancelled"
    with pytest.raises(RunError) as raised:
        fleet.approve("facts")
    assert raised.value.fault == "state"
    with pytest.raises(ConfigError, match="QUERYFLEET_SLOT: did you mean QUERYFLEET_SLOTS"):
        Fleet(slot=4)
    with pytest.raises(ConfigError, match="slots"):
        Pool(0).map(["DO 1"], run="no-slots")
    with pytest.raises(RunError):
        fleet.status("no-slots")
    url = os.environ["QUERYFLEET_MYSQL_URL"].replace("127.0.0.1", "127.0.0.2")
    with pytest.raises(Unavailable) as raised:
        Fleet(mysql_url=url).status("facts")
    assert raised.value.server == "database"
    password = url.split(":")[2].split("@")[0]
    assert password not in str(raised.value)
    with pytest.raises(ValueError, match="timeout"):
        queryfleet.wait("facts", timeout=-1)


def test_what_is_given_goes_before_the_environment(fleet, tmp_path, monkeypatch):
    key = tmp_path / "key"
    key.write_text("a key of 16 bytes or more")
    monkeypatch.setenv("QUERYFLEET_SIGNING_KEY_FILE", str(key))
    Fleet(signing_key="another key of 16 bytes")
    monkeypatch.setenv("QUERYFLEET_QUEUE", "not the one")
    Fleet(queue="nightly")
    with pytest.raises(ConfigError, match="QUERYFLEET_QUEUE"):
        Fleet()


def test_a_canary_waits_for_an_approval(fleet, counters):
    counters(20)
    queries = [f"UPDATE t SET n = n + 1 WHERE id = {number}" for number in range(1, 21)]
    lines = []

    def say(line):
        lines.append(line)
        if "the rest waits for an approval" in line:
            fleet.approve("canary")

    with Pool(2) as pool:
        pool.map(queries, run="canary", canary=5, progress=say)
    assert any("canary" in line for line in lines)
    counters.each_once()


def test_a_run_of_which_too_many_jobs_die_halts_and_is_replaced(fleet, counters):
    counters(30)
    queries = [f"UPDATE later SET n = n + 1 WHERE id = {number}" for number in range(1, 3001)]
    with pytest.raises(ValueError, match='halt is "many"'):
        fleet.publish(queries, run="halts-bad", halt="many")
    with Pool(1) as pool, pytest.raises(RunEnded) as raised:
        pool.map(queries, chunksize=1, run="halts-bad", halt="5")
    assert raised.value.end == "halted"
    (hold,) = fleet.holds()
    assert (hold.by, hold.until) == ("halt", None)
    assert "run halts-bad" in hold.because
    fleet.resume(hold.id)
    fleet.cancel("halts-bad")
    assert fleet.holds() == []
    with Pool(2) as pool, pytest.raises(DeadJobs):
        pool.map(queries[:30], run="halts-dead")
    repaired = [f"UPDATE t SET n = n + 1 WHERE id = {number}" for number in range(1, 31)]
    assert fleet.publish(repaired, run="halts-good", replaces="halts-dead").replaced == 30
    with Pool(2) as pool:
        pool.map(repaired, run="halts-good")
    assert fleet.status("halts-dead").state == "repaired"
    # Not all of its queries took effect.
    with Pool(2) as pool, pytest.raises(RunEnded) as raised:
        pool.map(queries[:30], run="halts-dead")
    assert (raised.value.end, raised.value.status.dead) == ("repaired", 30)
    counters.each_once()


def test_a_query_runs_in_its_database_and_dies_with_it(fleet, sql):
    sql("CREATE DATABASE elsewhere")
    sql("CREATE TABLE elsewhere.here (id INT PRIMARY KEY)")
    settings = {"database": "elsewhere", "timeout": 30}
    query = ("INSERT INTO here VALUES (?)", [7], settings)
    with Pool(1) as pool:
        pool.map([query], run="in-elsewhere")
        with pytest.raises(DeadJobs) as raised:
            pool.map([query], run="again-in-elsewhere")
    assert raised.value.jobs[0].query == query
    assert list(sql("SELECT id FROM elsewhere.here")) == [["7"]]
    for wrong in ({"schema": "a"}, {"timeout": -1}, {"database": 1}, "elsewhere"):
        with pytest.raises(TypeError, match="the third item of statement 0"):
            fleet.publish([("DO 1", [], wrong)])


def test_a_generator_may_ask_the_fleet_itself(fleet, counters):
    counters(3)

    def queries():
        for number in range(1, 4):
            assert fleet.status("asked-1" if number > 1 else "nested").done >= 0
            yield f"UPDATE t SET n = n + 1 WHERE id = {number}"
            fleet.publish(["DO 1"], run=f"asked-{number}")

    fleet.publish(["DO 1"], run="nested")
    with Pool(2) as pool:
        pool.map(queries(), run="asking")
    counters.each_once()


def test_private_servers_go_as_they_came(fleet):
    before = dict(os.environ)
    with queryfleet.dev() as other:
        assert os.environ["QUERYFLEET_MYSQL_URL"] != before["QUERYFLEET_MYSQL_URL"]
        assert other.runs() == []
    assert dict(os.environ) == before
    with pytest.raises(Unavailable):
        other.runs()


def test_the_version_is_that_of_the_package():
    assert queryfleet.__version__.count(".") == 2
