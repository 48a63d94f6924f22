//! What the account that publishes cannot see is not taken for harmless.

use queryfleet_tests::Fleet;

const MYSQL: &str = "QUERYFLEET_MYSQL_URL";
const PASSWORD: &str = "narrow, not a secret";

/// An account without any right: its name in SQL, and its URL.
fn account(fleet: &Fleet, database: &str) -> (String, String) {
    let name = format!("narrow_{database}");
    fleet.sql(&format!("CREATE USER '{name}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}'"));
    let url = fleet.mysql_url();
    let (_, server) = url.split_once('@').unwrap();
    let password = PASSWORD.replace(' ', "%20").replace(',', "%2C");
    (format!("'{name}'@'127.0.0.1'"), format!("mysql://{name}:{password}@{server}"))
}

#[test]
fn what_the_account_cannot_see_into_is_not_atomic() {
    let fleet = Fleet::new();
    fleet.make_counters(2);
    fleet.sql(
        "CREATE TABLE m (id INT) ENGINE=MyISAM; CREATE TABLE audited (id INT, n INT) ENGINE=InnoDB; \
         CREATE TRIGGER note AFTER UPDATE ON audited FOR EACH ROW SET @x = 1; \
         CREATE VIEW v AS SELECT id FROM t; \
         CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC NO SQL RETURN a",
    );
    let database = fleet.rows::<String>("SELECT DATABASE()").remove(0);
    let (account, url) = account(&fleet, &database);
    let variables = [(MYSQL, url.as_str())];
    let publish = |statement: &str| {
        let script = fleet.script([format!("{statement};")]);
        let plan = ["plan", script.to_str().unwrap(), "--json", "--allow-no-where"];
        let plan = fleet.run_with(&plan, &variables).json();
        plan["refusals"].as_array().unwrap().first().map_or_else(String::new, ToString::to_string)
    };
    let refused = |statement: &str, remedy: &str| {
        let refusal = publish(statement);
        assert!(refusal.contains(remedy), "{statement}: {refusal}");
    };
    let taken = |statement: &str| assert_eq!(publish(statement), "", "{statement}");
    let grant = |rights: &str| fleet.sql(&format!("GRANT {rights} TO {account}"));
    let (trigger, view, function) =
        ("UPDATE audited SET n = 1", "SELECT COUNT(*) FROM v", "UPDATE t SET n = n + f(0) WHERE id = 1");

    // Its own tables, and nothing of those that the statement writes.
    for table in ["meta", "run", "ledger", "worker", "range"] {
        grant(&format!("SELECT ON {database}.queryfleet_{table}"));
    }
    refused("UPDATE t SET n = 1 WHERE id = 1", "does not see");
    refused("SELECT * FROM v", "does not see");

    grant(&format!("SELECT, INSERT, UPDATE, EXECUTE ON {database}.*"));
    refused(trigger, "GRANT TRIGGER");
    refused(view, "GRANT SELECT, SHOW VIEW");
    refused("UPDATE v SET id = 1", "GRANT SELECT, SHOW VIEW");
    refused(function, "SHOW_ROUTINE");
    refused("INSERT INTO elsewhere.t VALUES (1)", "does not see");
    refused("SELECT * FROM t JOIN elsewhere.w", "does not see");
    taken("SELECT * FROM t JOIN m USING (id)");
    // Where a trigger is not seen on MySQL, there may be one on any table.
    if fleet.is_mysql() {
        refused("UPDATE t SET n = 1 WHERE id = 1", "GRANT TRIGGER");
    } else {
        taken("UPDATE t SET n = 1 WHERE id = 1");
    }
    let doctor = fleet.run_with(&["doctor", "--for", "publish"], &variables);
    doctor.says("right to see").says(".v (its definition cannot be seen)").says("GRANT TRIGGER, SHOW VIEW");

    grant(&format!("SHOW VIEW, TRIGGER ON {database}.*"));
    for statement in [trigger, view, "UPDATE t SET n = 1 WHERE id = 1", "UPDATE v SET id = 1 WHERE id = 9"] {
        taken(statement);
    }
    refused("INSERT INTO m VALUES (1)", "MyISAM");
    refused(function, "SHOW_ROUTINE");
    grant(if fleet.is_mysql() { "SHOW_ROUTINE ON *.*" } else { "SELECT ON mysql.proc" });
    taken(function);
    fleet
        .run_with(&["doctor", "--for", "publish"], &variables)
        .says("sees every table, trigger, view and routine");
}
