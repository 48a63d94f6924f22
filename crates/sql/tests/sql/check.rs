//! The safety net over one statement: case tables for every rule, in both modes.

use queryfleet_sql::{Kind, Open, Refusal, SqlMode, check, inspect};

const PLAIN: SqlMode = SqlMode { no_backslash_escapes: false, ansi_quotes: false };
const NO_BACKSLASH: SqlMode = SqlMode { no_backslash_escapes: true, ansi_quotes: false };
const ANSI: SqlMode = SqlMode { no_backslash_escapes: false, ansi_quotes: true };

#[track_caller]
fn is(sql: &str, kind: Kind) {
    assert_eq!(inspect(sql, PLAIN).map(|inspected| inspected.kind), Ok(kind), "{sql:?}");
}

#[track_caller]
fn several(sql: &str, mode: SqlMode, offset: usize) {
    assert_eq!(check(sql, mode), Err(Refusal::Several { offset }), "{sql:?}");
}

#[track_caller]
fn ambiguous(sql: &str) {
    assert!(matches!(check(sql, PLAIN), Err(Refusal::Ambiguous { .. })), "{sql:?}: {:?}", check(sql, PLAIN));
}

#[track_caller]
fn unterminated(sql: &str, mode: SqlMode, what: Open, offset: usize) {
    assert_eq!(check(sql, mode), Err(Refusal::Unterminated { what, offset }), "{sql:?}");
}

#[track_caller]
fn session_state(sql: &str) {
    assert!(matches!(check(sql, PLAIN), Err(Refusal::SessionState(_))), "{sql:?}: {:?}", check(sql, PLAIN));
}

#[test]
fn the_first_keyword_names_the_kind() {
    for (sql, kind) in [
        ("UPDATE t SET a = 1", Kind::Update),
        ("update t set a = 1", Kind::Update),
        ("\n\t INSERT INTO t VALUES (1)", Kind::Insert),
        ("REPLACE t VALUES (1)", Kind::Replace),
        ("delete from t", Kind::Delete),
        ("SELECT 1", Kind::Select),
        ("((SELECT 1))", Kind::Select),
        ("( /* c */ (SELECT 1) UNION SELECT 2)", Kind::Select),
        ("DO SLEEP(1)", Kind::Do),
        ("VALUES (1)", Kind::Values),
        ("TABLE t", Kind::Table),
        ("LOAD DATA INFILE 'f' INTO TABLE t", Kind::LoadData),
        ("LOAD XML INFILE 'f' INTO TABLE local", Kind::LoadData),
        ("LOAD INDEX INTO CACHE t", Kind::Other),
        ("CALL p()", Kind::Call),
        ("CREATE TABLE temporary (a INT)", Kind::Ddl),
        ("DROP INDEX temporary ON t", Kind::Ddl),
        ("TRUNCATE t", Kind::Ddl),
        ("GRANT ALL ON *.* TO u", Kind::Ddl),
        ("SHOW TABLES", Kind::Other),
        ("EXPLAIN UPDATE t SET a = 1", Kind::Other),
        ("label: BEGIN NOT ATOMIC SELECT 1", Kind::Other),
        ("UPDATED t", Kind::Other),
        ("`UPDATE` t", Kind::Other),
        ("'x'", Kind::Other),
        ("1", Kind::Other),
        ("- 1", Kind::Other),
        ("*", Kind::Other),
        ("/ 2", Kind::Other),
        ("größe", Kind::Other),
        ("averyveryverylongkeyword", Kind::Other),
        ("SET a = 1", Kind::Set),
        ("USE db", Kind::Use),
    ] {
        is(sql, kind);
    }
}

#[test]
fn comments_before_the_keyword_are_passed_over() {
    for before in
        ["-- c\n", "# c ' \n", "/* ; ' */", "/**/", "--\n", "--\t'\n", "/* * / */ -- x\n#\n", "/*/ ' */"]
    {
        is(&format!("{before}UPDATE t SET a = 1"), Kind::Update);
    }
}

#[test]
fn keywords_inside_version_comments_count() {
    is("/*!40000 ALTER TABLE t DISABLE KEYS */", Kind::Ddl);
    is("/*!40101 SET NAMES utf8 */;", Kind::Set);
    is("/*M!100100 UPDATE t SET a = 1 */", Kind::Update);
    is("/*!UPDATE t SET a = 1*/", Kind::Update);
    is("/*!50000UPDATE t SET a = 1*/", Kind::Update);
    is("/*!100500UPDATE t SET a = 1*/", Kind::Update);
    is("CREATE /*!32312 IF NOT EXISTS */ TABLE t (a INT)", Kind::Ddl);
    is("/*!50001 CREATE */ /*!50013 DEFINER = CURRENT_USER */ /*!50001 VIEW v AS SELECT 1 */", Kind::Ddl);
    is("/*!50000 UPDATE t */ /*!99999 UPDATE u */ UPDATE v SET a = 1", Kind::Update);
    session_state("/*!40101 SET @x = 1 */");
}

#[test]
fn a_version_comment_that_hides_the_kind_is_ambiguous() {
    ambiguous("/*!99999 INSERT INTO t VALUES (1) -- */ CALL p()");
    ambiguous("/*!50799 UPDATE */ CALL p()");
    ambiguous("/*!50000 UPDATE t */ SET a = 1");
    ambiguous("/*!50000 CREATE */ /*!99999 SET a = 1 */");
    ambiguous("/*!99999 1 */ UPDATE t SET a = 1");
    is("LOAD /*!99999 DATA */ INDEX INTO CACHE t", Kind::Other);
    assert_eq!(check("LOAD DATA /*!99999 INFILE 'f' */ LOCAL INFILE 'f'", PLAIN), Err(Refusal::LocalInfile));
    session_state("CREATE /*!99999 TABLE */ TEMPORARY TABLE t (a INT)");
    session_state("/*!50000 CREATE */ TEMPORARY TABLE t (a INT)");
    session_state("/*!50000 DROP */ TEMPORARY /*!50000 TABLE t */");
}

#[test]
fn atomic_is_an_allow_list() {
    let atomic = "insert replace update delete select with do values table load";
    for word in atomic.split(' ') {
        assert!(word.parse::<Kind>().is_ok_and(Kind::is_atomic), "{word}");
    }
    for word in "outfile call ddl temporary set use transaction lock prepare handler other".split(' ') {
        assert!(word.parse::<Kind>().is_ok_and(|kind| !kind.is_atomic() && kind.as_str() == word), "{word}");
    }
    assert_eq!("Update".parse(), Ok(Kind::Update));
    assert!("upsert".parse::<Kind>().is_err());
}

#[test]
fn session_state_is_refused() {
    for sql in [
        "SET NAMES utf8mb4",
        "SET STATEMENT max_statement_time = 1 FOR UPDATE t SET a = 1",
        "USE db",
        "BEGIN",
        "BEGIN NOT ATOMIC SELECT 1",
        "START TRANSACTION",
        "COMMIT",
        "ROLLBACK TO s",
        "SAVEPOINT s",
        "RELEASE SAVEPOINT s",
        "XA START 'x'",
        "LOCK TABLES t WRITE",
        "UNLOCK TABLES",
        "FLUSH TABLES WITH READ LOCK",
        "PREPARE p FROM 'SELECT 1'",
        "EXECUTE IMMEDIATE 'COMMIT'",
        "DEALLOCATE PREPARE p",
        "HANDLER t OPEN",
        "CREATE TEMPORARY TABLE t (a INT)",
        "CREATE OR REPLACE TEMPORARY TABLE t (a INT)",
        "DROP TEMPORARY TABLE t",
        "SELECT 1 INTO @a",
        "SELECT 1 INTO a",
        "(SELECT 1) INTO @a",
        "SELECT @a := 1",
        "UPDATE t SET a = (@r := @r + 1)",
        "UPDATE t SET a = (@`r` /* c */ := 1)",
        "DO @a := 1",
    ] {
        session_state(sql);
    }
    for sql in ["UPDATE t SET a := 1", "SELECT t.into", "SELECT @@a", "SELECT '@a' ':='"] {
        assert!(check(sql, PLAIN).is_ok(), "{sql}");
    }
}

#[test]
fn a_user_variable_of_another_statement_is_not_read() {
    for sql in [
        "UPDATE t SET a = @x",
        "UPDATE t SET at = CONVERT_TZ(at, @tz, '+00:00')",
        "SELECT @into",
        "INSERT INTO t VALUES (1,@`a b`)",
        "INSERT INTO t VALUES (1) /*!50000 , (@x) */",
        "DELETE FROM t WHERE a=@'x'",
        "CALL p(@x)",
        "DO f('a'@x)",
        "WITH c AS (SELECT @x) SELECT 1",
        "LOAD DATA INFILE 'f' INTO TABLE t (a, @b) SET c = @d",
        "LOAD DATA INFILE 'f' INTO TABLE t SET c = @d",
        "LOAD DATA INFILE 'f' INTO TABLE t (a, @b) SET c = (SELECT @c)",
        "CREATE TABLE u AS SELECT @x",
        "CREATE TABLE event AS SELECT @x",
        "CREATE OR REPLACE TABLE definer AS SELECT @x",
        "CREATE TABLE u (a INT DEFAULT (@x))",
        "SHOW VARIABLES LIKE @x",
    ] {
        session_state(sql);
    }
    for sql in [
        "LOAD DATA INFILE 'f' INTO TABLE t (a, @b, @`C d`) SET c = @B + 1, d = NULLIF(@`c D`, '')",
        "LOAD DATA INFILE 'f' INTO TABLE t (@skipped, a)",
        "UPDATE t SET a = '@x', `@b` = 1, c = \"@d\" -- @e",
        "UPDATE t SET a = @@session.x",
        "GRANT ALL ON *.* TO 'a'@'localhost'",
        "CREATE USER a@localhost",
        "CREATE DEFINER=`root`@`localhost` TRIGGER x BEFORE INSERT ON t FOR EACH ROW SET NEW.a = @x",
        "CREATE OR REPLACE DEFINER = root@'%' PROCEDURE p() SELECT @x",
        "CREATE DEFINER=CURRENT_USER FUNCTION f() RETURNS INT RETURN @x",
        "CREATE ALGORITHM=UNDEFINED DEFINER=`a`@`b` SQL SECURITY DEFINER VIEW v AS SELECT 1",
    ] {
        assert!(check(sql, PLAIN).is_ok(), "{sql:?}: {:?}", check(sql, PLAIN));
    }
}

#[test]
fn into_a_file_is_not_atomic_and_local_files_are_refused() {
    for sql in [
        "SELECT 1 INTO OUTFILE 'f'",
        "select a into dumpfile 'f' from t",
        "TABLE t INTO OUTFILE 'f'",
        "SELECT 1 INTO /*!50000 OUTFILE */ 'f'",
        "SELECT 1 /*!50000 INTO OUTFILE 'f' */",
        "WITH c AS (SELECT 1) SELECT * FROM c INTO OUTFILE 'f'",
    ] {
        is(sql, Kind::SelectIntoFile);
    }
    is("SELECT outfile FROM t", Kind::Select);
    is("INSERT INTO outfile VALUES (1)", Kind::Insert);
    for sql in
        ["LOAD DATA LOCAL INFILE 'f' INTO TABLE t", "load data low_priority local infile 'f' into table t"]
    {
        assert_eq!(check(sql, PLAIN), Err(Refusal::LocalInfile), "{sql}");
    }
}

#[test]
fn there_is_one_statement() {
    several("UPDATE t SET a = 1; COMMIT", PLAIN, 18);
    several("UPDATE t SET a = 1;; COMMIT", PLAIN, 18);
    several("; UPDATE t SET a = 1", PLAIN, 0);
    several("UPDATE t SET a = 1; 'x'", PLAIN, 18);
    several("UPDATE t SET a = 1; (", PLAIN, 18);
    several("UPDATE t SET a = 1; - 1", PLAIN, 18);
    several("UPDATE t SET a = 1; *", PLAIN, 18);
    several("UPDATE t SET a = 1; @a", PLAIN, 18);
    several("UPDATE t SET a = 1; /*!99999 COMMIT */", PLAIN, 18);
    several("UPDATE t SET a = 1 /*!99999 ; COMMIT */", PLAIN, 28);
    several("SELECT 1 /*!99999 ; */", PLAIN, 18);
    several("SELECT 1; COMMIT", PLAIN, 8);
    several("CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET NEW.a = 1; END", PLAIN, 68);
    several("SELECT 1 --; COMMIT", PLAIN, 11);
    for sql in [
        "UPDATE t SET a = ';'",
        "UPDATE t SET a = ';' -- ; x",
        "UPDATE t SET a = 1 # ; x",
        "UPDATE t SET a = 1 /* ; */",
        "UPDATE `;` SET a = 1",
        "UPDATE t SET a = 1 --",
        "UPDATE t SET a = 1 --\u{1};",
        "UPDATE t SET a = 1;",
        "UPDATE t SET a = 1; ; \n -- c ;\n /* c */ # d",
        "UPDATE t SET a = 1; /*!99999 */",
        "UPDATE t SET a = 4 / 2 * 3 - -1",
        "UPDATE t SET a = 1 /*!50000 , b = 2 */* 3",
    ] {
        assert_eq!(check(sql, PLAIN), Ok(Kind::Update), "{sql:?}");
    }
}

#[test]
fn the_text_for_a_packet_has_no_delimiter() {
    let text = |sql| inspect(sql, PLAIN).unwrap().sql;
    assert_eq!(text("UPDATE t SET a = ';'"), "UPDATE t SET a = ';'");
    assert_eq!(text("UPDATE t SET a = ';' ; ; -- x"), "UPDATE t SET a = ';' ");
}

#[test]
fn the_mode_says_where_a_string_ends() {
    several(r"UPDATE t SET a = '\'; COMMIT -- '", NO_BACKSLASH, 20);
    assert_eq!(check(r"UPDATE t SET a = '\'; COMMIT -- '", PLAIN), Ok(Kind::Update));
    assert_eq!(check(r"UPDATE t SET a = '\\'", PLAIN), Ok(Kind::Update));
    assert_eq!(check(r"UPDATE t SET a = '\'", NO_BACKSLASH), Ok(Kind::Update));
    several(r#"UPDATE "t\" SET a = 1; COMMIT -- ""#, ANSI, 21);
    several(r#"UPDATE t SET a = "\"; COMMIT -- ""#, NO_BACKSLASH, 20);
    assert_eq!(check(r#"UPDATE t SET a = "\"; COMMIT -- ""#, PLAIN), Ok(Kind::Update));
    several(r"UPDATE `t\` SET a = 1; COMMIT -- `", PLAIN, 21);
    for mode in [PLAIN, NO_BACKSLASH, ANSI] {
        assert_eq!(
            check(r#"UPDATE t SET a = 'it''s; "' , b = "x""; '", `c``;` = 1"#, mode),
            Ok(Kind::Update)
        );
    }
}

#[test]
fn nothing_stays_open() {
    unterminated("UPDATE t SET a = 'x", PLAIN, Open::String, 17);
    unterminated("UPDATE t SET a = 'it''s", PLAIN, Open::String, 17);
    unterminated(r"UPDATE t SET a = 'x\'", PLAIN, Open::String, 17);
    unterminated(r"UPDATE t SET a = 'x\", PLAIN, Open::String, 17);
    unterminated("UPDATE t SET a = \"x", PLAIN, Open::String, 17);
    unterminated("UPDATE t SET a = \"x", ANSI, Open::Identifier, 17);
    unterminated("UPDATE `t", PLAIN, Open::Identifier, 7);
    unterminated("UPDATE t /* x", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t /*/", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t /*", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t /*! x", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t /*M! x", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t /*!50000", PLAIN, Open::Comment, 9);
    unterminated("UPDATE t; /* x", PLAIN, Open::Comment, 10);
}

#[test]
fn a_version_comment_that_may_end_elsewhere_is_ambiguous() {
    ambiguous("UPDATE t SET a=1 /*!99999 ' */ ; COMMIT ; /* ' */");
    ambiguous("UPDATE t SET a=1 /*!99999 \" */ ; COMMIT ; /* \" */");
    ambiguous("UPDATE t SET a=1 /*!99999 ` */ ; COMMIT ; /* ` */");
    ambiguous("UPDATE t SET a=1 /*M!999999 ' */ ; COMMIT ; /* ' */");
    ambiguous("UPDATE t SET a=1 /*! ' */ ; COMMIT ; /* ' */");
    ambiguous("UPDATE t SET a=1 /*!99999 '*/' ; COMMIT ; -- */");
    ambiguous("UPDATE t SET a=1 /*!99999 # */ ; COMMIT ; /*\n */");
    ambiguous("UPDATE t SET a=1 /*!99999 -- */ ; COMMIT ; /*\n */");
    ambiguous("UPDATE t SET a=1 /*!99999 --\t */ ; COMMIT ; /*\n */");
    ambiguous("UPDATE t SET a=1 /*!99999 /* */ ; COMMIT ; /* */");
    ambiguous("UPDATE t SET a=1 /*!99999 '/*' */ ; COMMIT ; /* */");
    ambiguous("UPDATE t SET a=1 /*!99999 /*/ ; COMMIT ; /* */");
    ambiguous("UPDATE t SET a=1 /*!99999 /*!50000 , b=2 */ */");
    ambiguous("UPDATE t SET a=1 /*!99999 , b='\\' */ , c='' ; COMMIT -- '");
    ambiguous("/* rows of the /*!50001 view */ UPDATE t SET a=1");
    ambiguous("UPDATE t SET a=1 /* x /*M!100100 y */");
    ambiguous("SELECT /*+ X('*/ , '*/ ; COMMIT ; -- ')");
    ambiguous("SELECT /*+ X('\\') */ 1");
    ambiguous("CREATE FUNCTION f() RETURNS INT LANGUAGE JAVASCRIPT AS $$ ' $$ ; COMMIT ; -- '");
    ambiguous("UPDATE t SET a = $x$ ' $x$");
    for sql in [
        "UPDATE t SET a=1 /*!99999 , b='x' , `c`=\"y\" */",
        "UPDATE t SET a=1 /*!99999 , b=4/2 - -1 **/",
        "UPDATE /*+ NO_MERGE(`t`) */ t SET a=1",
        "UPDATE t SET a$b$=1, c=b$",
        "UPDATE t /* ' */ SET a=1 /* ' */",
        "UPDATE t /* /* M! */ SET a=1 -- /*!",
    ] {
        assert_eq!(check(sql, PLAIN), Ok(Kind::Update), "{sql:?}");
    }
}

#[test]
fn nul_is_for_strings_only() {
    assert_eq!(check("UPDATE t SET a = '\0'", PLAIN), Ok(Kind::Update));
    for (sql, offset) in [
        ("UPDATE t SET a = 1\0", 18),
        ("\0", 0),
        ("UPDATE t SET a = 1 # \0 ; COMMIT", 21),
        ("UPDATE t SET a = 1 -- \0 ; COMMIT", 22),
        ("UPDATE t SET a = '\0' /* \0 */", 24),
        ("UPDATE `\0` SET a = 1", 8),
        ("UPDATE t SET a = 1; \0", 20),
    ] {
        assert_eq!(check(sql, PLAIN), Err(Refusal::NulByte { offset }), "{sql:?}");
    }
}

#[test]
fn white_space_and_comments_are_no_statement() {
    for sql in ["", " \n", ";", " ; ; ", "-- x", "/* x */;", "/*!99999 */", "# x"] {
        assert_eq!(check(sql, PLAIN), Err(Refusal::Empty), "{sql:?}");
    }
}

#[test]
fn the_server_tells_its_mode() {
    assert_eq!(SqlMode::from_server("STRICT_TRANS_TABLES,ERROR_FOR_DIVISION_BY_ZERO"), PLAIN);
    assert_eq!(SqlMode::from_server("NO_BACKSLASH_ESCAPES"), NO_BACKSLASH);
    assert_eq!(SqlMode::from_server("PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ORACLE"), ANSI);
    assert_eq!(SqlMode::from_server(""), SqlMode::default());
}

#[test]
fn what_the_statement_before_left_behind_is_session_state() {
    for sql in [
        "UPDATE t SET n = LAST_INSERT_ID() WHERE id = 1",
        "INSERT INTO t VALUES (now(), last_insert_id ( ))",
        "UPDATE t SET n = row_count() WHERE id = 1",
        "SELECT FOUND_ROWS()",
        "INSERT INTO t VALUES (@@IDENTITY)",
        "CALL p(LAST_INSERT_ID())",
        "UPDATE t SET n = LAST_INSERT_ID(/**/) WHERE id = 1",
        "UPDATE t SET n = LAST_INSERT_ID/* c */(-- x\n) WHERE id = 1",
        "UPDATE t SET n = LAST_INSERT_ID -- x\n() WHERE id = 1",
        "UPDATE t SET n = LAST_INSERT_ID(/*!999999 1 */) WHERE id = 1",
        "UPDATE t SET n = /*!999999 a. */ LAST_INSERT_ID() WHERE id = 1",
        "UPDATE t SET n = `last_insert_id` () WHERE id = 1",
        "UPDATE t SET n = ROW_COUNT(/* c */) WHERE id = 1",
        "UPDATE t SET n = `Row_Count`\n() WHERE id = 1",
        "UPDATE t SET n = \"found_rows\"() WHERE id = 1",
        "INSERT INTO t VALUES (@@session.identity)",
        "INSERT INTO t VALUES (@@session . identity)",
        "INSERT INTO t VALUES (@@session/* c */.`identity`)",
        "INSERT INTO t VALUES (@@`identity`, 1)",
        "INSERT INTO t VALUES (@@LOCAL.\"Last_Insert_Id\")",
        "SELECT @@warning_count + 1",
        "SELECT @@session.error_count",
        "SELECT LASTVAL(sq)",
        "SELECT `lastval` (sq)",
        "SELECT PREVIOUS VALUE FOR sq",
        "SELECT previous /* c */ value\nfor sq",
        "SELECT sq.currval",
        "GET DIAGNOSTICS @n = NUMBER",
        "GET /* c */ CURRENT DIAGNOSTICS CONDITION 1 @n = MESSAGE_TEXT",
        "SHOW WARNINGS",
        "SHOW COUNT(*) ERRORS",
    ] {
        session_state(sql);
    }
    for sql in [
        "INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE id = LAST_INSERT_ID(id), a = NOW()",
        "INSERT INTO t VALUES ('LAST_INSERT_ID()', NOW()) -- LAST_INSERT_ID()",
        "UPDATE t SET row_count = 1, at = NOW(), x = @@auto_increment_increment WHERE id = 1",
        "UPDATE t SET n = a.found_rows() WHERE id = 1",
        "UPDATE t SET n = a . `row_count` () WHERE id = 1",
        "INSERT INTO lastval (a) VALUES ('PREVIOUS VALUE FOR'), ('@@identity')",
        "UPDATE t SET previous = 1, value = previous WHERE id = @@version_comment",
        "CREATE PROCEDURE p() INSERT INTO t VALUES (LAST_INSERT_ID())",
    ] {
        assert!(check(sql, PLAIN).is_ok(), "{sql:?}: {:?}", check(sql, PLAIN));
    }
}
