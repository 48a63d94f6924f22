//! Scripts cut into statements.

use crate::split_in;
use queryfleet_sql::{Open, Position, SplitError, SqlMode};

const LIMIT: usize = 100;

/// What a script gives, however it is fed.
fn split(script: &[u8], mode: SqlMode) -> (Vec<(String, Position)>, Result<(), SplitError>) {
    let whole = split_in(script.len().max(1), script, mode, LIMIT);
    for size in [1, 2, 3, 7] {
        assert_eq!(split_in(size, script, mode, LIMIT), whole, "in pieces of {size}");
    }
    whole
}

#[track_caller]
fn texts_under(mode: SqlMode, script: &str, expected: &[&str]) {
    let (found, end) = split(script.as_bytes(), mode);
    assert_eq!(end, Ok(()), "{script:?}");
    assert_eq!(found.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), expected, "{script:?}");
}

#[track_caller]
fn texts(script: &str, expected: &[&str]) {
    texts_under(SqlMode::default(), script, expected);
}

#[track_caller]
fn fails(script: &[u8], expected: SplitError) {
    assert_eq!(split(script, SqlMode::default()).1, Err(expected));
}

fn place(offset: u64, line: u64, column: u64) -> Position {
    Position { offset, line, column }
}

#[test]
fn statements_end_at_the_delimiter_or_the_end() {
    texts("", &[]);
    texts(" \n", &[]);
    texts("a", &["a"]);
    texts("a;", &["a"]);
    texts(" a ; b \n;\n\n c\nd ", &["a", "b", "c\nd"]);
    texts(";;a;;", &["a"]);
    texts("a\r\n;\r\nb;\r\n", &["a", "b"]);
    texts("\u{FEFF}a;\u{FEFF}b", &["a", "\u{FEFF}b"]);
    texts("/**/\u{FEFF}a", &["/**/\u{FEFF}a"]);
}

#[test]
fn quotes_hide_the_delimiter() {
    texts(r#"a ';' b;"#, &["a ';' b"]);
    texts(r#"a 'it''s;' "x"";" `y``;`;b"#, &[r#"a 'it''s;' "x"";" `y``;`"#, "b"]);
    texts(r#"a '\';' "\";" `\`;b"#, &[r#"a '\';' "\";" `\`"#, "b"]);
    texts(r"a '\\';b '\\\';';c", &[r"a '\\'", r"b '\\\';'", "c"]);
    texts("a '-- ' ;b \"/*\";c '#'", &["a '-- '", "b \"/*\"", "c '#'"]);
}

#[test]
fn the_mode_says_what_quotes_are() {
    let plain = SqlMode { no_backslash_escapes: true, ansi_quotes: false };
    texts_under(plain, r#"a '\';b "\";c"#, &[r"a '\'", r#"b "\""#, "c"]);
    let ansi = SqlMode { no_backslash_escapes: false, ansi_quotes: true };
    texts_under(ansi, r#"a '\';' "\";b"#, &[r#"a '\';' "\""#, "b"]);
}

#[test]
fn comments_hide_the_delimiter_and_belong_to_what_follows() {
    texts("a -- ;'\n;b", &["a -- ;'\n", "b"].map(str::trim_end));
    texts("a # ;'\n+ b;c", &["a # ;'\n+ b", "c"]);
    texts("a /* ;' \n */;b/*/;*/;c", &["a /* ;' \n */", "b/*/;*/", "c"]);
    texts("a --;b", &["a --", "b"]);
    texts("a --\u{1};\n;b", &["a --\u{1};", "b"]);
    texts("a - - 1 / 2 * 3;b -", &["a - - 1 / 2 * 3", "b -"]);
    texts("-- x ;\n# y\n/* z; */ a; -- t\nb -- u", &["-- x ;\n# y\n/* z; */ a", "-- t\nb -- u"]);
}

#[test]
fn white_space_and_comments_alone_are_no_statement() {
    texts("-- x\n", &[]);
    texts("/* x */;# y\n;--", &[]);
    texts("a;\n-- the end", &["a"]);
    texts("--", &[]);
}

#[test]
fn version_comments_are_code() {
    texts(
        "/*!40101 SET NAMES utf8 */;/*M! x */;/*!*/",
        &["/*!40101 SET NAMES utf8 */", "/*M! x */", "/*!*/"],
    );
    texts("a /*! ';' */;b", &["a /*! ';' */", "b"]);
    texts("a /*! 1 */* 2;b", &["a /*! 1 */* 2", "b"]);
    texts("a /*! b; c */;d", &["a /*! b", "c */", "d"]);
}

#[test]
fn a_line_sets_the_delimiter() {
    texts("DELIMITER //\na; b//\nc// \n delimiter ;\nd;e", &["a; b", "c", "d", "e"]);
    texts("a;\ndelimiter $$\nb;c$d$$\nDelimiter\t;\ne", &["a", "b;c$d", "e"]);
    texts("-- why\n/* so */\nDELIMITER ;;\na;b;;", &["a;b"]);
    texts("\u{FEFF}DELIMITER ;;\r\na;b;;", &["a;b"]);
    texts("DELIMITER '//'\na;b//c", &["a;b", "c"]);
    texts("DELIMITER // ignored\na//b", &["a", "b"]);
    texts("DELIMITER #\na#b # c", &["a", "b", "c"]);
    texts("DELIMITER --\na -b-- c", &["a -b", "c"]);
    texts("DELIMITER go\na 'go' ago b", &["a 'go' a", "b"]);
    texts("a\nDELIMITER x;b", &["a\nDELIMITER x", "b"]);
    texts("delimiters;b", &["delimiters", "b"]);
    texts("DELIMITER ;;", &[]);
}

/// Where the client would take a command together with what follows it, over lines.
#[test]
fn a_command_that_does_not_begin_its_line_is_an_error() {
    for (script, command, at) in [
        ("/* so */ DELIMITER ;;\na;b;;", "DELIMITER", place(9, 1, 10)),
        ("a; delimiter //\nb;c//d", "DELIMITER", place(3, 1, 4)),
        ("a;use db\nb;c", "USE without a delimiter", place(2, 1, 3)),
        ("a;\n/* x\n */ USE db\nb;", "USE without a delimiter", place(12, 3, 5)),
    ] {
        let (_, end) = split(script.as_bytes(), SqlMode::default());
        assert_eq!(end, Err(SplitError::Misplaced { command, position: at }), "{script}");
    }
}

#[test]
fn a_line_gives_one_usable_delimiter() {
    for script in [
        "DELIMITER",
        "DELIMITER  \na",
        "delimiter '//\na",
        "DELIMITER 'a''b'",
        "DELIMITER //\t\na",
        "DELIMITER a\\b",
    ] {
        let (_, end) = split(script.as_bytes(), SqlMode::default());
        assert_eq!(end, Err(SplitError::BadDelimiter { position: place(0, 1, 1) }), "{script:?}");
    }
}

#[test]
fn the_client_has_commands() {
    texts("USE db\na;use db;b;USE\ndb;c", &["USE db", "a", "use db", "b", "USE\ndb", "c"]);
    texts("use `d`", &["use `d`"]);
    texts("USE `a;b`\n;c", &["USE `a;b`", "c"]);
    texts("USE a -- ;\nb;c\nUSE d -- \\g\ne;f", &["USE a -- ;\nb", "c\nUSE d -- \\g\ne", "f"]);
    texts("a;USE d -- \\g\ne;f", &["a", "USE d -- \\g\ne", "f"]);
    texts("used;user", &["used", "user"]);
    texts("a\\g b\\G\nc \\N;", &["a", "b", "c \\N"]);
    texts("\\g /* x */\\g-- y\n\\G", &[]);
    texts("--no comment to the server; '\n a;b --c;", &["a", "b --c"]);
    texts("-- x\n--drop\na", &["a"]);
    texts(
        "/*M!999999\\- enable the sandbox mode */ \n-- x\na;/*M!99999 b */",
        &["-- x\na", "/*M!99999 b */"],
    );
    texts("/*!999999\\- enable the sandbox mode */ \n-- x\na;/*!99999 b */", &["-- x\na", "/*!99999 b */"]);
    texts("a;\n/*!999999\\- enable the sandbox mode */\nb", &["a", "b"]);
    texts("/*!999999 b */;c", &["/*!999999 b */", "c"]);
}

#[test]
fn places_count_lines_and_characters() {
    let (found, _) = split("a;\n\n  é 'é\n';  ü;-- x\nb".as_bytes(), SqlMode::default());
    let places: Vec<_> = found.iter().map(|one| one.1).collect();
    assert_eq!(places, [place(0, 1, 1), place(6, 3, 3), place(17, 4, 5), place(25, 5, 1)]);
    let (found, _) = split("\u{FEFF}a;b".as_bytes(), SqlMode::default());
    assert_eq!([found[0].1, found[1].1], [place(3, 1, 1), place(5, 1, 3)]);
}

#[test]
fn a_place_is_that_of_the_statement_behind_its_comments() {
    for (script, wanted) in [
        ("-- x\n/* y\n */ a;\n# é\n\n  b", [place(14, 3, 5), place(25, 6, 3)]),
        ("-- x\n/*!50000 a */;/* é */ /*M! b */", [place(5, 2, 1), place(28, 2, 23)]),
        ("# x\nuse db\n-- y\n a", [place(4, 2, 1), place(17, 4, 2)]),
        ("/* x */ - a;-- y\n'b'", [place(8, 1, 9), place(17, 2, 1)]),
    ] {
        let (found, end) = split(script.as_bytes(), SqlMode::default());
        assert_eq!(end, Ok(()), "{script}");
        assert_eq!(found.iter().map(|one| one.1).collect::<Vec<_>>(), wanted, "{script}");
    }
}

#[test]
fn a_control_z_at_the_end_is_no_statement() {
    texts("a;\n\u{1A}", &["a"]);
    texts("a;\r\n\u{1A}\r\n", &["a"]);
    texts("a\n\u{1A}\u{1A}", &["a"]);
    texts("a;-- x\n\u{1A}", &["a"]);
    texts("\u{1A}", &[]);
    texts("a 'x\u{1A}'", &["a 'x\u{1A}'"]);
    texts("a;\u{1A};b", &["a", "\u{1A}", "b"]);
    fails(b"a 'x\x1A", SplitError::Unterminated { what: Open::String, position: place(2, 1, 3) });
}

#[test]
fn what_stays_open_is_an_error_at_its_beginning() {
    let open =
        |what, offset, line, column| SplitError::Unterminated { what, position: place(offset, line, column) };
    fails(b"a;\nb 'x;\ny", open(Open::String, 5, 2, 3));
    fails(b"a 'it''s", open(Open::String, 2, 1, 3));
    fails(b"a 'x\\", open(Open::String, 2, 1, 3));
    fails(b"a \"x", open(Open::String, 2, 1, 3));
    fails(b"a `x\n", open(Open::Identifier, 2, 1, 3));
    fails(b"\n /* x", open(Open::Comment, 2, 2, 2));
    fails(b"/*/", open(Open::Comment, 0, 1, 1));
    fails(b"a;/*! b", open(Open::Comment, 2, 1, 3));
    let ansi = SqlMode { no_backslash_escapes: false, ansi_quotes: true };
    assert_eq!(split(b"\"x", ansi).1, Err(open(Open::Identifier, 0, 1, 1)));
}

#[test]
fn bad_scripts_are_errors_with_their_place() {
    fails(b"a;\nb 'x\xFF'", SplitError::NotUtf8 { position: place(7, 2, 5) });
    fails(b"-- caf\xE9\nb 'x\xFF'", SplitError::NotUtf8 { position: place(6, 1, 7) });
    fails(b"a;\n DELIMITER\nb", SplitError::BadDelimiter { position: place(4, 2, 2) });
    fails(b"DELIMITER \\\\\nb", SplitError::BadDelimiter { position: place(0, 1, 1) });
    fails(b"DELIMITER 1234567890123456", SplitError::BadDelimiter { position: place(0, 1, 1) });
    fails(b"a;\\! ls", SplitError::ClientCommand { command: '!', position: place(2, 1, 3) });
    let long = [b"a; ".as_slice(), &[b'x'; LIMIT + 1]].concat();
    fails(&long, SplitError::TooLong { limit: LIMIT, position: place(3, 1, 4) });
    let long = [b"a; /*".as_slice(), &[b'x'; LIMIT], b"*/;b"].concat();
    fails(&long, SplitError::TooLong { limit: LIMIT, position: place(3, 1, 4) });
    let exact = [b"a; ".as_slice(), &[b'x'; LIMIT], b";b"].concat();
    assert_eq!(split(&exact, SqlMode::default()).1, Ok(()));
    let blank = [b"a; ".as_slice(), &[b' '; 5 * LIMIT], b";b"].concat();
    assert_eq!(split(&blank, SqlMode::default()).1, Ok(()));
}

#[test]
fn errors_name_place_and_remedy() {
    let at = place(0, 3, 7);
    let text = SplitError::Unterminated { what: Open::String, position: at }.to_string();
    assert_eq!(text, "3:7: the string that begins here is never closed");
    let text = SplitError::ClientCommand { command: '!', position: at }.to_string();
    assert_eq!(
        text,
        "3:7: '\\!' is a command of the mariadb client, not SQL: leave it out, and run its command in a shell"
    );
}

#[test]
fn a_comment_that_is_not_utf_8_is_dropped() {
    let (found, end) = split(b"-- caf\xE9\n b; /* \xFF */ c /* d */", SqlMode::default());
    assert_eq!(end, Ok(()));
    assert_eq!(found.iter().map(|one| one.0.as_str()).collect::<Vec<_>>(), ["b", "c /* d */"]);
}
