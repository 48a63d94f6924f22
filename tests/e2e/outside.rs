//! What no transaction holds, by every way to it that there is; and what is none.

use queryfleet_tests::Fleet;
use serde_json::Value;

/// What `plan` says of each of these statements, by its line; nothing of what a publish would take.
fn refusals(fleet: &Fleet, statements: &[&str]) -> Vec<String> {
    let mut found = vec![String::new(); statements.len()];
    for (at, twenty) in statements.chunks(20).enumerate() {
        let script = fleet.script(twenty.iter().map(|statement| format!("{statement};")));
        let path = script.to_str().unwrap();
        let plan = fleet.run(&["plan", path, "--json", "--allow-no-where"]).json();
        for refusal in plan["refusals"].as_array().unwrap() {
            let text = refusal.as_str().unwrap().strip_prefix(path).unwrap();
            let line: usize = text.split(':').nth(1).unwrap().parse().unwrap();
            found[at * 20 + line - 1] = text.to_owned();
        }
        assert_eq!(plan["complete"], Value::Bool(true), "{plan}");
    }
    found
}

fn assert_refused(fleet: &Fleet, statements: &[(&str, &str)]) {
    let texts: Vec<&str> = statements.iter().map(|(statement, _)| *statement).collect();
    for ((statement, reason), refusal) in statements.iter().zip(refusals(fleet, &texts)) {
        assert!(refusal.contains(reason), "{statement}: {refusal:?}, not {reason:?}");
    }
}

/// The world of the tests below: the tables without transactions are `m`, `mm`, `history`, `quick`, `log`, `do`.
fn make_world(fleet: &Fleet) {
    fleet.make_counters(3);
    for table in ["m", "mm", "history", "quick", "log", "`do`"] {
        fleet.sql(&format!("CREATE TABLE {table} (id INT PRIMARY KEY, n INT) ENGINE=MyISAM"));
    }
    fleet.sql(
        "CREATE TABLE t2 (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; \
         CREATE TABLE called (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; \
         CREATE TABLE noted (id INT PRIMARY KEY, log INT, `user` INT, users INT, event INT, note TEXT, n INT) \
             ENGINE=InnoDB; \
         CREATE TABLE `user` (id INT PRIMARY KEY, n INT) ENGINE=InnoDB; \
         CREATE PROCEDURE p() DELETE FROM m WHERE id = 1; \
         CREATE PROCEDURE hop() BEGIN IF 1 THEN CALL p(); END IF; END; \
         CREATE TRIGGER calls BEFORE INSERT ON called FOR EACH ROW CALL hop(); \
         CREATE TRIGGER looks BEFORE UPDATE ON noted FOR EACH ROW SET NEW.n = (SELECT COUNT(*) FROM log); \
         CREATE FUNCTION fm(a INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO m VALUES (a, a); RETURN a; END; \
         CREATE FUNCTION fp(a INT) RETURNS INT DETERMINISTIC BEGIN CALL hop(); RETURN a; END; \
         CREATE FUNCTION ft(a INT) RETURNS INT DETERMINISTIC BEGIN UPDATE t2 SET n = a; RETURN a; END; \
         CREATE FUNCTION `concat`(a INT) RETURNS INT DETERMINISTIC BEGIN DELETE FROM m; RETURN a; END; \
         CREATE FUNCTION `now`() RETURNS INT DETERMINISTIC BEGIN DELETE FROM m; RETURN 1; END; \
         CREATE VIEW vm AS SELECT * FROM m; CREATE VIEW vvm AS SELECT * FROM vm; \
         CREATE VIEW vf AS SELECT fm(3) AS x; CREATE VIEW vvf AS SELECT * FROM vf; \
         CREATE VIEW vt AS SELECT id, n FROM t; CREATE VIEW vcalled AS SELECT * FROM called",
    );
}

#[test]
fn whatever_form_a_statement_has_it_writes_nothing_that_no_transaction_holds() {
    let fleet = Fleet::new();
    make_world(&fleet);
    assert_refused(
        &fleet,
        &[
            ("UPDATE history SET n = 1", ".history (MyISAM)"),
            ("UPDATE quick SET n = 1", ".quick (MyISAM)"),
            ("DELETE FROM quick", ".quick (MyISAM)"),
            ("DELETE QUICK FROM history", ".history (MyISAM)"),
            ("INSERT INTO .m VALUES (1, 1)", ".m (MyISAM)"),
            ("INSERT INTO /*!999999 t2 */ m VALUES (1, 1)", ".m (MyISAM)"),
            ("INSERT INTO /*M!999999 t2 */ m VALUES (1, 1)", ".m (MyISAM)"),
            ("REPLACE INTO m VALUES (1, 1)", ".m (MyISAM)"),
            ("INSERT DELAYED INTO m VALUES (1, 1)", ".m (MyISAM)"),
            ("INSERT m SET n = 1", ".m (MyISAM)"),
            ("INSERT INTO m VALUES (1, 1) ON DUPLICATE KEY UPDATE n = 1", ".m (MyISAM)"),
            ("INSERT INTO m SELECT * FROM t", ".m (MyISAM)"),
            ("LOAD DATA INFILE 'f' INTO TABLE m", ".m (MyISAM)"),
            ("LOAD XML INFILE 'f' INTO TABLE m", ".m (MyISAM)"),
            ("LOAD DATA INFILE 'f' INTO TABLE /*!999999 t2 */ m", ".m (MyISAM)"),
            ("WITH do AS (SELECT 1 AS id) UPDATE mm JOIN do SET mm.n = 1", ".mm (MyISAM)"),
            ("WITH x AS (SELECT 1 AS id) DELETE FROM m WHERE id IN (SELECT id FROM x)", ".m (MyISAM)"),
            ("UPDATE t JOIN m USING (id) SET m.n = 1", ".m (MyISAM)"),
            ("UPDATE t JOIN m AS x USING (id) SET t.n = 1, x.n = 1", ".m (MyISAM)"),
            ("DELETE t, m FROM t JOIN m USING (id)", ".m (MyISAM)"),
            ("DELETE FROM x USING t JOIN m AS x USING (id)", ".m (MyISAM)"),
            ("UPDATE vm SET n = 1", ".vm (the view changes "),
            ("UPDATE vvm SET n = 1", ".vvm (the view changes "),
            ("INSERT INTO vcalled VALUES (1, 1)", ".vcalled (the view changes "),
            ("INSERT INTO called VALUES (1, 1)", ".called (trigger calls changes "),
        ],
    );
}

#[test]
fn functions_and_views_are_followed_to_what_they_write() {
    let fleet = Fleet::new();
    make_world(&fleet);
    let share = fleet.rows::<String>("SELECT DATABASE()").remove(0);
    let qualified = format!("UPDATE t SET n = `{share}` . `fm` (2)");
    assert_refused(
        &fleet,
        &[
            ("DO fm(81)", "fm (which changes "),
            ("DO fp(81)", "fp (which changes "),
            ("INSERT INTO t (id) VALUES (fm(2))", "fm (which changes "),
            ("INSERT INTO t (id) VALUES (1) ON DUPLICATE KEY UPDATE n = fm(1)", "fm (which changes "),
            ("UPDATE t SET n = n WHERE id = /* x */ fm /* y */ (2)", "fm (which changes "),
            (&qualified, "fm (which changes "),
            ("SELECT fm(1)", "fm (which changes "),
            ("VALUES (fm(1))", "fm (which changes "),
            ("WITH x AS (SELECT fm(1)) SELECT * FROM x", "fm (which changes "),
            ("SELECT `concat`(1)", "concat (which changes "),
            ("SELECT now ()", "now (which changes "),
            ("SELECT now/**/()", "now (which changes "),
            ("SELECT * FROM vf", ".vf (the view changes "),
            ("SELECT * FROM vvf FOR UPDATE", ".vvf (the view changes "),
            ("INSERT INTO t SELECT x, x FROM vf", ".vf (the view changes "),
            ("SELECT nowhere(1)", "nowhere, which is neither the server's own nor a routine"),
            ("SELECT fm /*!50000 + 1 */ (1)", "version comment"),
        ],
    );
}

#[test]
fn system_tables_and_all_engines_without_transactions_count() {
    let fleet = Fleet::new();
    make_world(&fleet);
    let engines: Vec<String> = fleet.rows(
        "SELECT engine FROM information_schema.engines WHERE support IN ('YES', 'DEFAULT') AND engine IN \
         ('MEMORY', 'CSV', 'ARCHIVE', 'BLACKHOLE', 'Aria', 'MRG_MyISAM', 'MyISAM')",
    );
    let mut statements = Vec::new();
    for engine in &engines {
        let name = format!("of_{}", engine.to_lowercase());
        let union = if engine.eq_ignore_ascii_case("mrg_myisam") { "UNION=(m)" } else { "" };
        fleet.sql(&format!("CREATE TABLE {name} (id INT NOT NULL, n INT NOT NULL) ENGINE={engine} {union}"));
        statements.push((format!("INSERT INTO {name} VALUES (1, 1)"), format!(".{name} (")));
    }
    assert!(engines.len() >= 4, "{engines:?}");
    statements.push((
        "UPDATE performance_schema.setup_consumers SET enabled = 'NO'".into(),
        "performance_schema.setup_consumers (PERFORMANCE_SCHEMA)".into(),
    ));
    if !fleet.is_mysql() {
        fleet.sql("CREATE TABLE parted (id INT) ENGINE=MyISAM PARTITION BY HASH (id) PARTITIONS 2");
        for (statement, reason) in [
            ("INSERT INTO parted VALUES (1)", ".parted ("),
            ("DELETE FROM mysql.help_topic WHERE help_topic_id = 1", "mysql.help_topic (Aria)"),
            ("DELETE FROM `mysql` . /* x */ general_log", "mysql.general_log (CSV)"),
            ("UPDATE mysql.user SET max_questions = 0", "mysql.user ("),
        ] {
            statements.push((statement.into(), reason.into()));
        }
    }
    let all: Vec<(&str, &str)> = statements.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert_refused(&fleet, &all);
}

/// Sequences are InnoDB by name, and are never rolled back. MySQL has none.
#[test]
fn what_draws_from_a_sequence_is_refused() {
    let fleet = Fleet::new();
    if fleet.is_mysql() {
        return;
    }
    make_world(&fleet);
    fleet.sql(
        "CREATE SEQUENCE sq; CREATE TABLE counted (id INT DEFAULT NEXTVAL(sq), n INT) ENGINE=InnoDB; \
         CREATE VIEW vs AS SELECT NEXTVAL(sq) AS x; \
         CREATE FUNCTION fs() RETURNS INT RETURN NEXTVAL(sq); \
         CREATE TABLE fires (id INT PRIMARY KEY) ENGINE=InnoDB; \
         CREATE TRIGGER draws BEFORE INSERT ON fires FOR EACH ROW SET NEW.id = NEXT VALUE FOR sq",
    );
    assert_refused(
        &fleet,
        &[
            ("DO NEXTVAL(sq)", "which no transaction holds"),
            ("DO `nextval` (sq)", "nextval"),
            ("SELECT SETVAL(sq, 100)", "which no transaction holds"),
            ("SELECT NEXT VALUE FOR sq", "which no transaction holds"),
            ("INSERT INTO t (id, n) VALUES (NEXTVAL(sq), 1)", "which no transaction holds"),
            ("UPDATE t SET n = next value for sq", "which no transaction holds"),
            ("INSERT INTO counted (n) VALUES (1)", ".counted (which draws from a sequence)"),
            ("INSERT INTO t SELECT DEFAULT(id), 1 FROM counted", "may draw from "),
            ("INSERT INTO sq VALUES (1, 1, 9, 1, 1, 0, 0, 0)", ".sq (a sequence)"),
            ("SELECT * FROM vs", ".vs (the view changes "),
            ("DO fs()", "fs (which changes "),
            ("INSERT INTO fires VALUES (1)", ".fires (trigger draws changes "),
        ],
    );
    let taken =
        ["SELECT * FROM sq", "SELECT n FROM counted", "UPDATE t JOIN counted c USING (n) SET t.n = c.n"];
    assert_eq!(refusals(&fleet, &taken), [""; 3]);
    assert_eq!(fleet.number("SELECT NEXTVAL(sq)"), 1, "nothing was drawn");
}

#[test]
fn everyday_statements_are_not_mistaken() {
    let fleet = Fleet::new();
    make_world(&fleet);
    let taken = [
        "UPDATE t SET n = 1 WHERE id = 1",
        "UPDATE noted SET note = 'log' WHERE note = 'm'",
        "UPDATE noted SET note = \"INSERT INTO m\"",
        "UPDATE noted SET log = 1, event = 2, user = 3, users = 4 WHERE log = 5",
        "UPDATE noted r SET r.log = 1",
        "INSERT INTO noted (id, log, user) VALUES (1, 2, 3) ON DUPLICATE KEY UPDATE log = VALUES(log)",
        "INSERT INTO user VALUES (1, 1)",
        "UPDATE `user` SET n = 1",
        "DELETE FROM user WHERE id IN (SELECT id FROM m)",
        "INSERT INTO t SELECT id + 1000, n FROM history",
        "UPDATE t LEFT JOIN log ON t.id = log.id SET t.n = log.n",
        "DELETE t FROM t JOIN m USING (id)",
        "SELECT * FROM m FOR UPDATE",
        "SELECT * FROM vm JOIN vvm USING (id)",
        "WITH m AS (SELECT 1 AS id) UPDATE t JOIN m USING (id) SET t.n = 1",
        "UPDATE vt SET n = 1",
        "UPDATE t SET n = ft(1)",
        "INSERT INTO t VALUES (4, LENGTH(MD5('m')))",
        "SELECT IS_FREE_LOCK('m'), ST_X(ST_GeomFromText('POINT(1 2)'))",
        "UPDATE nowhere SET n = 1",
        "UPDATE t SET n = (SELECT COUNT(*) FROM queryfleet_ledger)",
    ];
    for (statement, refusal) in taken.iter().zip(refusals(&fleet, &taken)) {
        assert_eq!(refusal, "", "{statement}");
    }
}

/// The statement of a range is tried before its size is known: only when all of it can be rolled back.
#[test]
fn what_is_not_held_is_not_tried_out() {
    let fleet = Fleet::new();
    make_world(&fleet);
    fleet.sql("INSERT INTO history VALUES (1, 0), (2, 0), (3, 0)");
    for (statement, key) in [
        ("UPDATE history SET n = n + 1 WHERE :range", "history.id"),
        ("UPDATE t SET n = fm(id) WHERE :range", "t.id"),
    ] {
        let tried = ["publish", "--template", statement, "--range", key, "--size", "auto"];
        fleet.run(&[&tried[..], &["--not-atomic=park"]].concat()).expect(1).says("auto tries the statement");
        fleet.run(&tried).expect(1).says("MyISAM");
    }
    assert_eq!(fleet.number("SELECT SUM(n) FROM history"), 0);
    assert_eq!(fleet.number("SELECT COUNT(*) FROM m"), 0);
}
