use queryfleet_sql::{SqlMode, inspect};

use super::grants::Grants;
use super::links::{Link, Of};
use super::name::{fold, name};
use super::reason::{Because, Ways, Why};
use super::schema_objects::{Catalog, Object};

fn link(of: Of, through: &str, text: Option<&str>) -> Link {
    let (Of::View((database, _)) | Of::Table((database, _)) | Of::Routine((database, _))) = &of;
    let database = database.clone();
    let (text, unseen) = (text.map(str::to_owned), ("it cannot be seen".to_owned(), "GRANT it"));
    Link { of, through: through.into(), database, text, mode: SqlMode::default(), unseen }
}

fn trigger(table: &str, text: &str) -> Link {
    link(Of::Table(name("shop", table)), &format!("trigger of_{table}"), Some(text))
}

fn view(view: &str, text: Option<&str>) -> Link {
    link(Of::View(name("shop", view)), "the view", text)
}

fn routine(routine: &str, text: Option<&str>) -> Link {
    link(Of::Routine(name("shop", routine)), &format!("function Shop.{routine}"), text)
}

/// `log` is MyISAM, `sq` a sequence that `n` counts by, `mysql.user` Aria; the others lead there or do not.
fn shop(grants: &[&str]) -> Catalog {
    let grants: Vec<String> = grants.iter().map(|grant| (*grant).to_owned()).collect();
    let mut shop = Catalog::new("Shop", Grants::read(&grants, true));
    let mut add = |database: &str, table: &str, written: Ways| {
        let object = Object { name: format!("{database}.{table}"), written, ..Object::default() };
        shop.databases.insert(fold(database));
        shop.objects.insert(name(database, table), object);
    };
    for plain in ["a", "b", "c", "d", "e", "t", "x", "v", "w", "calls", "hidden", "history", "quick"] {
        add("Shop", plain, Ways::default());
    }
    add("Shop", "Log", Ways::outside("Shop.Log (MyISAM)".into(), Because::Engine));
    add("Shop", "sq", Ways::outside("Shop.sq (a sequence)".into(), Because::Sequence));
    add("Shop", "n", Ways::outside("Shop.n (counts)".into(), Because::Sequence));
    add("mysql", "user", Ways::outside("mysql.user (Aria)".into(), Because::Engine));
    let ours = Why { through: None, end: "Shop.queryfleet_ledger".into(), because: Because::Ours };
    add("Shop", "queryfleet_ledger", Ways { outside: None, ours: Some(ours) });
    shop.objects.get_mut(&name("shop", "n")).unwrap().counts = true;
    shop.finish(&[
        trigger("a", "INSERT INTO b VALUES (1)"),
        trigger("b", "BEGIN SET @x = 1; INSERT INTO log VALUES (1); END"),
        trigger("c", "SET NEW.x = (SELECT COUNT(*) FROM log)"),
        trigger("d", "CALL write_it"),
        trigger("e", "UPDATE /*!999999 t */ Log SET x = 1"),
        view("v", Some("select `Shop`.`b`.`x` AS `x` from `Shop`.`b`")),
        view("w", Some("select `Shop`.`t`.`log` AS `log` from `Shop`.`t`")),
        view("calls", Some("select `f`(1) AS `x`")),
        view("hidden", None),
        routine("write_it", Some("BEGIN IF x THEN DELETE FROM Log; END IF; END")),
        routine("f", Some("BEGIN CALL write_it(); RETURN 1; END")),
        routine("g", Some("RETURN LOWER('log') + (SELECT COUNT(*) FROM t)")),
        routine(
            "h",
            Some("BEGIN DECLARE a DECIMAL(10, 2); UPDATE t SET x = 1 WHERE id IN (1); RETURN a; END"),
        ),
        routine("draws", Some("RETURN NEXTVAL(sq)")),
        routine("unknown", Some("RETURN sys_exec('x')")),
        routine("secret", None),
        routine("forges", Some("BEGIN UPDATE queryfleet_ledger SET state = 'done'; RETURN 1; END")),
    ])
}

const ALL: &[&str] = &["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`"];

fn said(shop: &Catalog, sql: &str, database: Option<&str>) -> String {
    let inspected = inspect(sql, SqlMode::default()).unwrap();
    let held = shop.not_held(inspected.kind, inspected.sql, database, SqlMode::default());
    held.map_or_else(String::new, |reason| reason.to_string())
}

#[test]
fn what_leads_out_of_the_transaction_is_found() {
    let shop = shop(ALL);
    for (sql, wanted) in [
        ("INSERT INTO LOG VALUES (1)", "it writes Shop.Log (MyISAM), which no transaction holds"),
        ("INSERT INTO .log VALUES (1)", "writes Shop.Log"),
        ("INSERT INTO `shop`.`log` VALUES (1)", "writes Shop.Log"),
        ("INSERT INTO /*!999999 t */ log VALUES (1)", "may write Shop.Log"),
        ("LOAD DATA INFILE 'f' INTO TABLE /*M!999999 t */ log", "may write Shop.Log"),
        ("UPDATE t, log SET log.x = 1 WHERE t.id = log.id", "writes Shop.Log"),
        ("WITH do AS (SELECT 1) UPDATE log JOIN do SET x = 1", "writes Shop.Log"),
        ("DELETE l FROM t JOIN log l", "writes Shop.Log"),
        ("UPDATE b SET x = 1", "writes Shop.b (trigger of_b changes Shop.Log (MyISAM))"),
        ("DELETE FROM a", "writes Shop.a (trigger of_a changes Shop.Log (MyISAM))"),
        ("UPDATE v SET x = 1", "writes Shop.v (the view changes Shop.Log (MyISAM))"),
        ("UPDATE d SET x = 1", "writes Shop.d (trigger of_d changes Shop.Log (MyISAM))"),
        ("UPDATE e SET x = 1", "writes Shop.e (trigger of_e changes Shop.Log (MyISAM))"),
        ("SELECT * FROM calls", "reads Shop.calls (the view changes Shop.Log (MyISAM))"),
        (
            "SELECT * FROM hidden",
            "reads Shop.hidden (it cannot be seen): what cannot be seen is not called atomic; GRANT it",
        ),
        ("DO f(1)", "calls function Shop.f (which changes Shop.Log (MyISAM))"),
        ("INSERT INTO t VALUES (`Shop` . `f` (2))", "calls function Shop.f"),
        ("UPDATE t SET x = unknown(1)", "calls function Shop.unknown (sys_exec, which is neither"),
        ("UPDATE t SET x = nowhere(1)", "calls nowhere, which is neither the server's own"),
        ("DO secret()", "calls function Shop.secret (it cannot be seen)"),
        ("DO NEXTVAL(sq)", "calls a sequence by NEXTVAL, which no transaction holds"),
        ("INSERT INTO t VALUES (NEXT VALUE FOR sq)", "calls the next value of a sequence"),
        ("DO draws()", "calls function Shop.draws"),
        ("INSERT INTO n VALUES (1)", "writes Shop.n (counts)"),
        ("UPDATE t JOIN n SET t.x = DEFAULT(n.id)", "may draw from Shop.n (counts)"),
        ("UPDATE mysql.user SET x = 1", "writes mysql.user (Aria)"),
        ("UPDATE queryfleet_ledger SET state = 'done'", "may change a table of queryfleet"),
        ("DO forges()", "calls function Shop.forges (which changes Shop.queryfleet_ledger), by which a job"),
        ("CALL forges()", "calls function Shop.forges (which changes Shop.queryfleet_ledger)"),
        ("SELECT f /*!50000 + 1 */ (1)", "calls a call in a version comment"),
    ] {
        let found = said(&shop, sql, None);
        assert!(found.contains(wanted), "{sql}: {found}");
    }
    assert_eq!(shop.of_database("shop").len(), 7, "{:?}", shop.of_database("shop"));
    assert!(shop.of_database("other").is_empty());
}

#[test]
fn what_is_proven_harmless_passes() {
    let shop = shop(ALL);
    for (sql, database) in [
        ("UPDATE t SET note = 'log', x = \"log\"", None),
        ("UPDATE t SET log = 1 WHERE t.log = 2", None),
        ("UPDATE t LEFT JOIN log ON t.id = log.id SET t.n = 1", None),
        ("INSERT INTO t SELECT * FROM log", None),
        ("SELECT * FROM log FOR UPDATE", None),
        ("SELECT * FROM v JOIN sq JOIN n", None),
        ("WITH x AS (SELECT * FROM log) SELECT * FROM x", None),
        ("UPDATE c SET x = 1", None),
        ("UPDATE w SET log = 1", None),
        ("INSERT INTO log VALUES (1)", Some("other")),
        ("UPDATE t SET user = 'mysql', event = 1", None),
        ("INSERT INTO user VALUES (1)", None),
        ("UPDATE history SET quick = 1", None),
        ("INSERT INTO t VALUES (g(1), h(2), get_lock('a', 1), md5('x'), st_x(p))", None),
        ("INSERT INTO t SELECT seq FROM queryfleet_ledger", None),
        ("SELECT COUNT(*) FROM queryfleet_ledger", None),
        ("INSERT INTO t (id) VALUES (DEFAULT)", None),
    ] {
        assert_eq!(said(&shop, sql, database), "", "{sql}");
    }
}

#[test]
fn what_the_account_does_not_see_is_not_taken_for_harmless() {
    let narrow = shop(&["GRANT SELECT, UPDATE ON `shop`.* TO `a`@`%`"]);
    assert_eq!(said(&narrow, "UPDATE nowhere SET x = 1", None), "", "it is not there");
    assert_eq!(said(&narrow, "UPDATE t SET t.x = 1", None), "");
    let elsewhere = said(&narrow, "UPDATE other.m SET x = 1", None);
    assert!(elsewhere.contains("reaches other.m, which this account does not see"), "{elsewhere}");
    assert!(said(&narrow, "UPDATE m SET x = 1", Some("other")).contains("other.m"));
    let untold = said(&narrow, "UPDATE /*!999999 t, */ other.m SET x = 1", None);
    assert!(untold.contains("a table that cannot be told"), "{untold}");
    for held in [
        "INSERT /*!50000 IGNORE */ INTO t (x) VALUES (1)",
        "SELECT EXTRACT(YEAR FROM t.x), 1.5 FROM t, (SELECT t.id FROM t) d WHERE t.x = 'a.b'",
        "INSERT INTO t (x) SELECT c.x FROM c JOIN t USING (id) ON DUPLICATE KEY UPDATE x = c.x, n = 1.5",
        "WITH y AS (SELECT t.x FROM t) UPDATE t JOIN y SET t.x = y.x",
        "DELETE t FROM t, c WHERE t.id = c.id",
        "SELECT t.TABLE_NAME FROM information_schema.tables t",
    ] {
        assert_eq!(said(&narrow, held, None), "", "{held}");
    }
    for reached in [
        "SELECT * FROM other.v",
        "SELECT * FROM t, other.v",
        "SELECT * FROM (t JOIN (c, other.v))",
        "UPDATE t JOIN other.v ON t.id = v.id SET t.x = 1",
        "INSERT INTO t SELECT x FROM (SELECT x FROM other.v) d",
        "TABLE other.v",
        "DELETE FROM t USING t JOIN other.v",
        "INSERT INTO t VALUES (1, st_x(p))",
    ] {
        let found = said(&narrow, reached, None);
        assert!(found.contains("what cannot be seen is not called atomic"), "{reached}: {found}");
    }
    let nothing = shop(&["GRANT SELECT ON `shop`.`t` TO `a`@`%`"]);
    assert!(said(&nothing, "UPDATE m SET x = 1", None).contains("does not see"));
    assert!(
        nothing.unseen("Shop").iter().any(|text| text.contains("shop.*")),
        "{:?}",
        nothing.unseen("Shop")
    );
    assert!(!narrow.unseen("Shop").iter().any(|text| text.contains("shop.*")));
}
