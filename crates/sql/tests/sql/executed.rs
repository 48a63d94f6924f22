//! A statement is of the kind that it executes, whatever its first keyword is.

use queryfleet_sql::{Inspected, Kind, Refusal, SqlMode, check, inspect};

fn kind(sql: &str) -> Result<Kind, Refusal> {
    inspect(sql, SqlMode::default()).map(|Inspected { kind, .. }| kind)
}

#[test]
fn the_kind_is_that_of_what_is_executed() {
    for (sql, wanted) in [
        ("ANALYZE UPDATE t SET a = 1", Kind::Update),
        ("analyze format=json delete from t", Kind::Delete),
        ("ANALYZE FORMAT = 'json' DELETE FROM t", Kind::Delete),
        ("ANALYZE /* x */ INSERT INTO t VALUES (1)", Kind::Insert),
        ("ANALYZE REPLACE t VALUES (1)", Kind::Replace),
        ("ANALYZE SELECT 1", Kind::Select),
        ("ANALYZE (SELECT 1)", Kind::Select),
        ("ANALYZE SELECT 1 INTO OUTFILE 'f'", Kind::SelectIntoFile),
        ("ANALYZE VALUES (1)", Kind::Values),
        ("ANALYZE WITH x AS (SELECT 1) SELECT * FROM x", Kind::With),
        ("ANALYZE WITH x AS (SELECT 1) DELETE FROM t", Kind::Delete),
        ("ANALYZE /*!50000 FORMAT=JSON */ UPDATE t SET a = 1", Kind::Update),
        ("/*!50000 ANALYZE UPDATE t SET a = 1 */", Kind::Update),
        ("EXPLAIN ANALYZE UPDATE t, u SET t.a = 1", Kind::Update),
        ("DESCRIBE ANALYZE FORMAT=TREE DELETE t FROM t JOIN u", Kind::Delete),
        ("desc analyze SELECT 1", Kind::Select),
        ("EXPLAIN ANALYZE TABLE t", Kind::Table),
        ("ANALYZE TABLE t", Kind::Ddl),
        ("ANALYZE TABLE temporary", Kind::Ddl),
        ("ANALYZE TABLE t UPDATE HISTOGRAM ON a", Kind::Ddl),
        ("ANALYZE LOCAL TABLE t", Kind::Ddl),
        ("ANALYZE NO_WRITE_TO_BINLOG TABLES t, u", Kind::Ddl),
        ("ANALYZE /*!99999 LOCAL */ TABLE t", Kind::Ddl),
        ("ANALYZE", Kind::Ddl),
        ("EXPLAIN UPDATE t SET a = 1", Kind::Other),
        ("EXPLAIN EXTENDED DELETE FROM t", Kind::Other),
        ("EXPLAIN (SELECT 1)", Kind::Other),
        ("DESC t", Kind::Other),
        ("EXPLAIN `analyze`", Kind::Other),
        ("EXPLAIN FOR CONNECTION 3", Kind::Other),
        ("EXPLAIN", Kind::Other),
        ("WITH x AS (SELECT 1) SELECT * FROM x", Kind::With),
        ("WITH x AS (SELECT 1) (SELECT * FROM x)", Kind::With),
        ("WITH x AS (SELECT 1) (SELECT * FROM x) FOR UPDATE", Kind::With),
        ("WITH x AS (SELECT 1) SELECT * FROM x FOR UPDATE", Kind::With),
        ("(WITH x AS (SELECT 1) SELECT * FROM x)", Kind::With),
        ("WITH x AS (SELECT 1) TABLE x", Kind::With),
        ("WITH x AS (SELECT 1) SELECT 1 INTO OUTFILE 'f'", Kind::SelectIntoFile),
        ("WITH x AS (SELECT 1) DELETE FROM t", Kind::Delete),
        ("WITH RECURSIVE x (a, b) AS (SELECT 1), y AS (SELECT 1) UPDATE t JOIN x SET t.a = 1", Kind::Update),
        ("WITH do AS (SELECT 1) UPDATE t JOIN do SET t.a = 1", Kind::Update),
        ("WITH `select` AS (SELECT ')' /* ) */) DELETE FROM t", Kind::Delete),
        ("WITH x AS (SELECT 1)", Kind::With),
        ("/*!50001 DELETE FROM t WHERE a = 1 */", Kind::Delete),
        ("/*!50001 WITH x AS (SELECT 1) DELETE FROM t */", Kind::Delete),
        ("TABLE t INTO OUTFILE 'f'", Kind::SelectIntoFile),
        ("VALUES (1) INTO DUMPFILE 'f'", Kind::SelectIntoFile),
        ("LOAD XML INFILE 'f' INTO TABLE t", Kind::LoadData),
        ("CALL p()", Kind::Call),
        ("DO f()", Kind::Do),
        ("IF 1 THEN DELETE FROM t", Kind::Other),
        ("BINLOG 'x'", Kind::Other),
        ("DELETE.x FROM t", Kind::Other),
    ] {
        assert_eq!(kind(sql), Ok(wanted), "{sql}");
    }
}

/// Of these a session's state is changed, or statements run that are not in their text.
#[test]
fn what_hides_a_statement_is_session_state() {
    for sql in [
        "EXECUTE IMMEDIATE 'DELETE FROM t'",
        "PREPARE p FROM 'DELETE FROM t'",
        "EXECUTE p",
        "SET STATEMENT max_statement_time = 1 FOR DELETE FROM t",
        "BEGIN NOT ATOMIC DELETE FROM t",
        "HANDLER t OPEN",
        "FLUSH TABLES",
        "ANALYZE SELECT 1 INTO @z",
        "EXPLAIN ANALYZE SELECT 1 INTO @z",
    ] {
        let checked = check(sql, SqlMode::default());
        assert!(matches!(checked, Err(Refusal::SessionState(_))), "{sql}: {checked:?}");
    }
}

#[test]
fn what_one_server_executes_and_another_does_not_is_ambiguous() {
    for sql in [
        "/*!99999 CALL p() */ CREATE TABLE t (a INT)",
        "/*!99999 CREATE */ KILL 5",
        "/*!99999 SHOW TABLES */ TRUNCATE t",
        "/*!99999 EXPLAIN */ CALL p()",
        "ANALYZE /*!99999 TABLE t */ UPDATE t SET a = 1",
        "ANALYZE /*!99999 UPDATE t SET a = 1 */",
        "ANALYZE /*!99999 UPDATE t SET a = 1 */ TABLE t",
        "/*!99999 ANALYZE */ UPDATE t SET a = 1",
        "/*!99999 EXPLAIN */ UPDATE t SET a = 1",
        "EXPLAIN /*!99999 ANALYZE */ UPDATE t SET a = 1",
        "/*!99999 WITH x AS (SELECT 1) SELECT 1 -- */ DELETE FROM t",
        "WITH x AS (SELECT 1) /*!99999 SELECT 1 */ DELETE FROM t",
        "WITH x AS (SELECT 1 /*!99999 ) */ DELETE FROM t",
        "WITH x AS /*!99999 ( */ (SELECT 1) DELETE FROM t",
        "ANALYZE FORMAT=JSON INTO @z SELECT 1",
        "EXPLAIN ANALYZE FOR SCHEMA s UPDATE t SET a = 1",
        "ANALYZE EXTENDED UPDATE t SET a = 1",
        "ANALYZE 'x' UPDATE t SET a = 1",
        "ANALYZE DO f()",
        "ANALYZE CALL p()",
        "ANALYZE ANALYZE UPDATE t SET a = 1",
    ] {
        assert!(matches!(kind(sql), Err(Refusal::Ambiguous { .. })), "{sql}: {:?}", kind(sql));
    }
}
