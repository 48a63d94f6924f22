//! A run from its script to its end.

use queryfleet_tests::Fleet;
use std::fmt::Write;

/// Statements of all the shapes that a script can have; the last one without its delimiter.
fn script(count: u64) -> String {
    let mut text = String::from("-- a script; with comments\n/* of; every */ # kind;\n");
    for id in 1..=count {
        let statement = match id % 5 {
            0 => format!("UPDATE t\n   SET n = n + 1 -- why; not\n WHERE id = {id}"),
            1 => format!("UPDATE t SET n = n + 1, note = 'a;b''c\\';d' WHERE id = {id}"),
            2 => format!("/* before; */ UPDATE t SET n = n + 1, note = \"x;y\" WHERE id = {id} # after;\n"),
            3 => format!("UPDATE `t` SET `n` = n + 1, note = 'line\nbreak;' WHERE id = {id}"),
            _ => format!("update t set n = n + 1, note = 'größer; 漢字' where id = {id}"),
        };
        let delimiter = if id == count { "" } else { ";\n" };
        write!(text, "{statement}{delimiter}").unwrap();
    }
    text
}

#[test]
fn a_script_takes_effect_once_through_two_workers() {
    const COUNT: u64 = 5000;
    let fleet = Fleet::new();
    fleet.make_counters(COUNT);
    fleet.sql("ALTER TABLE t ADD note TEXT");
    let script = fleet.script([script(COUNT)]);
    let mut workers = [fleet.worker(4), fleet.worker(4)];
    fleet.publish(&script, "whole").says("5000 jobs published");
    fleet.wait("whole").expect(0).says("all 5000 jobs done");

    fleet.assert_each_once();
    assert_eq!(fleet.ledger("done"), COUNT);
    let seqs: Vec<(u64, u64)> = fleet.rows("SELECT MIN(seq), MAX(seq) FROM queryfleet_ledger");
    assert_eq!(seqs, [(1, COUNT)]);
    let notes = fleet.rows::<String>("SELECT note FROM t WHERE id IN (1, 3, 4) ORDER BY id");
    assert_eq!(notes, ["a;b'c';d", "line\nbreak;", "größer; 漢字"]);
    for worker in &mut workers {
        assert_eq!(worker.drain(), Some(0));
    }

    let status = fleet.run(&["status", "whole", "--json"]).expect(0).json();
    assert_eq!(status["run"], fleet.run_id("whole").0);
    assert_eq!(status["name"], "whole");
    assert_eq!(status["state"], "done");
    for (key, wanted) in [("total", COUNT), ("done", COUNT), ("dead", 0)] {
        assert_eq!(status[key], wanted, "{key}");
    }
}
