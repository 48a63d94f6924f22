//! The placeholders of templates.

use queryfleet_sql::{SqlMode, placeholders};

#[track_caller]
fn finds(template: &str, names: &[&str]) {
    let found: Vec<_> = placeholders(template, SqlMode::default()).collect();
    assert_eq!(found.iter().map(|one| one.name).collect::<Vec<_>>(), names, "{template}");
    for one in found {
        assert_eq!(&template[one.range], format!(":{}", one.name));
    }
}

#[test]
fn placeholders_stand_in_code_only() {
    finds("UPDATE t SET a = :a WHERE id = :id", &["a", "id"]);
    finds("DELETE FROM t WHERE id BETWEEN:lo AND:hi_2", &["lo", "hi_2"]);
    finds(":a:b,:a", &["a", "b", "a"]);
    finds("SELECT ':a', \":b\", `:c` /* :d */ -- :e\n # :f\n, :g", &["g"]);
    finds("SELECT /*! :a */ 1", &["a"]);
    finds("SELECT 'it''s :a', '\\':b', :c", &["c"]);
    finds("SELECT @x:=:y, @x := 1, a::b, :::c, :, :1, : d", &["y"]);
    finds("SELECT :größe + 1", &["größe"]);
    finds("SELECT 1", &[]);
    finds("SELECT 'open :a", &[]);
}

#[test]
fn the_mode_says_what_is_a_string() {
    let mode = SqlMode { no_backslash_escapes: true, ansi_quotes: false };
    let names: Vec<_> = placeholders(r"SELECT '\', :a, '\'", mode).map(|one| one.name).collect();
    assert_eq!(names, ["a"]);
}
