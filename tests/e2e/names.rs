//! Names of runs are compared as bytes, and none can be taken for something else.

use queryfleet_tests::Fleet;

/// What a collation takes for the same, and bytes do not.
const ALIKE: [&str; 8] = ["cafe", "café", "cafe\u{301}", "CAFE", "Cafe", "a😀", "a🎉", "straße"];

#[test]
fn names_are_compared_byte_by_byte() {
    let fleet = Fleet::new();
    fleet.make_counters(ALIKE.len() as u64);
    for (id, name) in (1..).zip(ALIKE) {
        let script = fleet.script([format!("UPDATE t SET n = n + 1 WHERE id = {id};")]);
        fleet.publish(&script, name).says("1 job published");
    }
    let _worker = fleet.worker(2);
    for name in ALIKE {
        fleet.wait(name).expect(0).says(&format!("run {name}: 1 job done"));
    }
    fleet.assert_each_once();
    fleet.run(&["status", "cafe "]).expect(1).says("not in this ledger");
    fleet.run(&["status", "cAFE"]).expect(1).says("not in this ledger");
    fleet.run(&["status", "strasse"]).expect(1).says("not in this ledger");
}

#[test]
fn what_can_be_taken_for_something_else_names_no_run() {
    let fleet = Fleet::new();
    let script = fleet.script(["DO 1;"]);
    let path = script.to_str().unwrap();
    fleet.publish(&script, "first");
    let id = fleet.run_id("first").to_string();
    for (name, why) in [
        ("", "is empty"),
        (" ", "is empty"),
        ("a ", "begins or ends with a space"),
        (" a", "begins or ends with a space"),
        ("7", "all digits"),
        ("99999999999999999999999", "all digits"),
        ("a\nb", "not seen"),
        ("a\u{1b}[2J", "not seen"),
        ("a\u{202e}b", "not seen"),
    ] {
        let output = fleet.run(&["publish", path, "--run", name]).expect(1).says(why);
        assert!(!output.err.contains('\u{1b}'), "{output:?}");
        fleet.run(&["run", path, "--run", name]).expect(1).says(why);
    }
    fleet.run(&["publish", path, "--run=-x"]).expect(1).says("as an option does");
    assert_eq!(fleet.number("SELECT COUNT(*) FROM queryfleet_run"), 1);
    // An id goes on with its run, as everywhere else.
    fleet.run(&["publish", path, "--run", &id]).expect(0).says("had been published before");
    fleet.run(&["status", &format!("+{id}")]).expect(1).says("not in this ledger");
}

#[test]
fn a_run_that_has_such_a_name_already_is_reached_unambiguously() {
    let fleet = Fleet::new();
    let script = fleet.script(["DO 1;"]);
    fleet.publish(&script, "other");
    let other = fleet.run_id("other");
    for (index, name) in ["", "7", "padded ", "a\tb", &other.to_string()].into_iter().enumerate() {
        let made = format!("made-{index}");
        let one = fleet.script([format!("DO {index} + 10;")]);
        fleet.publish(&one, &made);
        let id = fleet.run_id(&made);
        fleet.sql(&format!("UPDATE queryfleet_run SET name = '{name}' WHERE id = {id}"));
        let arguments = ["publish", one.to_str().unwrap(), "--run", name];
        if name == other.to_string() {
            let both = format!("`{name}` is the name of run {id} and the id of run `other`");
            fleet.run(&["status", name]).expect(1).says(&both);
            fleet.run(&arguments).expect(1).says(&both);
        } else {
            fleet
                .run(&["status", name, "--json"])
                .expect(0)
                .says(&format!("\"id\":{id}").replace("id", "run"));
            fleet.run(&arguments).expect(0).says("had been published before");
        }
        fleet.run(&["status", &id.to_string()]).expect(0);
    }
    // Not reached by what the server takes for the same.
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "padded", "--again"]).expect(2);
    fleet.run(&["publish", script.to_str().unwrap(), "--run", "padded"]).expect(1).says("is taken");
    fleet.run(&["status", "other"]).expect(0);
}
