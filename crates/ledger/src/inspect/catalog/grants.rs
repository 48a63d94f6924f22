//! Of which databases and tables this account sees everything, read from SHOW GRANTS, which lists the grants of the active roles
//! too. What is not understood there gives nothing.

/// Which tables the account sees, and of which the triggers.
#[derive(Clone, Debug, Default)]
pub(super) struct Grants {
    /// On MariaDB whoever sees a table sees that it has triggers; on MySQL that takes TRIGGER.
    triggers_are_seen: bool,
    given: Vec<Grant>,
    revoked: Vec<String>,
}

/// A grant on all tables, on those of a database, or on one.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Grant {
    /// A pattern; `%` for all.
    database: String,
    table: Option<String>,
    /// Its tables are seen.
    shows: bool,
    trigger: bool,
    /// Its routines are.
    routines: bool,
}

/// Rights with which an account sees routines; of [`SHOWING`] SELECT on all databases or on mysql.proc does so, too.
const ROUTINES: [&str; 6] =
    ["EXECUTE", "ALTER ROUTINE", "CREATE ROUTINE", "SHOW CREATE ROUTINE", "SHOW_ROUTINE", "ALL PRIVILEGES"];
/// Rights with which an account sees the tables they are given on.
const SHOWING: [&str; 7] = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRIGGER", "SHOW VIEW", "ALL PRIVILEGES"];

impl Grants {
    pub(super) fn read(lines: &[String], is_mariadb: bool) -> Grants {
        let mut grants = Grants { triggers_are_seen: is_mariadb, ..Grants::default() };
        for line in lines {
            if let Some(rest) = line.strip_prefix("GRANT ") {
                grants.given.extend(grant(rest));
            } else if let Some((_, on)) =
                line.strip_prefix("REVOKE ").and_then(|rest| rest.split_once(" ON "))
            {
                grants.revoked.extend(place(on).map(|(database, _)| database));
            }
        }
        grants
    }

    /// Whether all tables of a database are seen.
    pub(super) fn sees(&self, database: &str) -> bool {
        self.holds(database, |grant| grant.table.is_none() && grant.shows)
    }

    /// Whether all routines of a database are seen.
    pub(super) fn sees_routines(&self, database: &str) -> bool {
        let proc = |grant: &Grant| {
            grant.shows && grant.database == "mysql" && grant.table.as_deref() == Some("proc")
        };
        let all = |grant: &Grant| grant.database == "%" && grant.table.is_none() && grant.shows;
        self.given.iter().any(|grant| proc(grant) || all(grant) && self.triggers_are_seen)
            || self.holds(database, |grant| grant.table.is_none() && grant.routines)
    }

    /// Whether all databases are seen as a whole, their triggers included.
    pub(super) fn see_all(&self) -> bool {
        let all = |grant: &Grant| {
            grant.database == "%"
                && grant.table.is_none()
                && grant.shows
                && (grant.trigger || self.triggers_are_seen)
        };
        self.revoked.is_empty() && self.given.iter().any(all)
    }

    /// Whether the triggers of a table that is seen are seen.
    pub(super) fn see_triggers(&self, database: &str, table: &str) -> bool {
        let on = |grant: &Grant| grant.trigger && grant.table.as_deref().is_none_or(|own| own == table);
        self.triggers_are_seen || self.holds(database, on)
    }

    /// Whether a right holds for a database. Of several patterns that match the server takes the closest only: so each of
    /// them has to give it.
    fn holds(&self, database: &str, which: impl Fn(&Grant) -> bool) -> bool {
        let own = |pattern: &str| is_like(pattern.as_bytes(), database.as_bytes());
        if self.revoked.iter().any(|pattern| own(pattern)) {
            return false;
        }
        let global = |grant: &Grant| grant.database == "%" && grant.table.is_none();
        let (all, some): (Vec<&Grant>, Vec<&Grant>) =
            self.given.iter().filter(|grant| own(&grant.database)).partition(|grant| global(grant));
        let given = |pattern: &str| some.iter().any(|grant| grant.database == pattern && which(grant));
        let patterns = some.iter().filter(|grant| grant.table.is_none());
        all.into_iter().any(&which)
            || some.iter().any(|grant| grant.table.is_some() && which(grant))
            || patterns.clone().count() > 0
                && patterns.map(|grant| &grant.database).all(|pattern| given(pattern))
    }
}

/// `SELECT, TRIGGER ON shop.* TO …`, GRANT passed.
fn grant(text: &str) -> Option<Grant> {
    let (rights, on) = text.split_once(" ON ")?;
    let (database, table) = place(on)?;
    let rights = rights.to_ascii_uppercase();
    let rights = rights.split(',').map(str::trim);
    let any = |wanted: &[&str]| rights.clone().any(|right| wanted.contains(&right));
    let shows = any(&SHOWING);
    let routines = any(&ROUTINES);
    let trigger = any(&["TRIGGER", "ALL PRIVILEGES"]);
    Some(Grant { database, table, shows, trigger, routines })
}

/// What stands behind ON: `*.*`, or `` `database`.* `` or one table, folded. Of one table the database is no pattern.
fn place(text: &str) -> Option<(String, Option<String>)> {
    if text.starts_with("*.*") {
        return Some(("%".into(), None));
    }
    let (database, rest) = quoted(text)?;
    let rest = rest.strip_prefix('.')?;
    if rest.starts_with('*') {
        return Some((super::name::fold(&database), None));
    }
    let (table, _) = quoted(rest)?;
    let literal = database.replace('\\', "\\\\").replace('_', "\\_").replace('%', "\\%");
    Some((super::name::fold(&literal), Some(super::name::fold(&table))))
}

/// The name in back quotes at the start of a text, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let inner = text.strip_prefix('`')?;
    let mut name = String::new();
    let mut rest = inner;
    loop {
        let (part, after) = rest.split_once('`')?;
        name.push_str(part);
        match after.strip_prefix('`') {
            Some(more) => {
                name.push('`');
                rest = more;
            }
            None => return Some((name, after)),
        }
    }
}

/// LIKE, over bytes.
fn is_like(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([b'%', rest @ ..], _) => (0..=text.len()).any(|skipped| is_like(rest, &text[skipped..])),
        ([b'_', rest @ ..], [_, after @ ..]) => is_like(rest, after),
        ([b'\\', byte, rest @ ..], [first, after @ ..]) => byte == first && is_like(rest, after),
        ([byte, rest @ ..], [first, after @ ..]) => byte == first && is_like(rest, after),
        (rest, text) => rest.is_empty() && text.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str], is_mariadb: bool) -> Grants {
        Grants::read(&lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>(), is_mariadb)
    }

    #[test]
    fn grants_say_what_is_seen() {
        let root =
            read(&["GRANT SELECT, INSERT, TRIGGER ON *.* TO `root`@`localhost` WITH GRANT OPTION"], false);
        assert!(root.sees("shop") && root.see_triggers("shop", "t") && root.see_all());
        let all = read(&["GRANT ALL PRIVILEGES ON *.* TO `root`@`localhost`"], false);
        assert!(all.see_all());
        let partly = read(
            &["GRANT ALL PRIVILEGES ON *.* TO `a`@`%`", "REVOKE TRIGGER ON `shop`.* FROM `a`@`%`"],
            false,
        );
        assert!(!partly.sees("shop") && partly.sees("other") && !partly.see_all());
        let shop = read(
            &[
                "GRANT USAGE ON *.* TO `a`@`%`",
                r"GRANT SELECT, TRIGGER ON `my\_shop%`.* TO `a`@`%`",
                "GRANT `r`@`%` TO `a`@`%`",
            ],
            false,
        );
        assert!(shop.sees("my_shop") && shop.see_triggers("my_shop2", "t"));
        assert!(!shop.sees("myxshop") && !shop.sees("other") && !shop.see_all());
        let one = read(
            &["GRANT TRIGGER ON `a_b`.`t``1` TO `a`@`%`", "GRANT SELECT (`x`) ON `a_b`.`u` TO `a`@`%`"],
            false,
        );
        assert!(one.see_triggers("a_b", "t`1") && !one.see_triggers("a_b", "u") && !one.sees("a_b"));
        assert!(!one.see_triggers("axb", "t`1"));
        let closest =
            read(&["GRANT SELECT ON `shop%`.* TO `a`@`%`", "GRANT EXECUTE ON `shop1`.* TO `a`@`%`"], true);
        assert!(closest.sees("shop") && !closest.sees("shop1") && !closest.sees_routines("shop1"));
        let both = read(&["GRANT EXECUTE ON `shop`.* TO `a`@`%`", "GRANT SELECT ON `shop`.* TO `r`"], true);
        assert!(both.sees("shop") && both.sees_routines("shop") && !both.sees_routines("other"));
        assert!(read(&["GRANT SELECT ON `mysql`.`proc` TO `a`@`%`"], true).sees_routines("shop"));
        let routine = read(
            &["GRANT EXECUTE ON FUNCTION `shop`.`f` TO `a`@`%`", "GRANT PROXY ON ''@'%' TO 'a'@'%'"],
            true,
        );
        assert!(!routine.sees("shop") && routine.see_triggers("shop", "t"));
    }
}
