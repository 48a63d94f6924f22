//! Which rights each part of the program needs, and the GRANT for each that is missing. Pure. `deploy/grants.sql` says
//! the same in SQL; a test compares the two.

use queryfleet_ledger::{Answer, Probe, Right, Table};

use super::finding::{Finding, Level};

use Right::{Create, Delete, Insert, Select, Update};

/// A part of the program with database rights of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "clap", derive(clap::ValueEnum))]
pub enum Role {
    /// `publish`, `wait`, `status`
    Publish,
    /// `work`
    Work,
    /// `cancel`, `dead`, `purge`
    Operate,
}

type Needs = &'static [(Table, &'static [Right])];

/// `setup` makes the tables and writes the first rows of one.
const SETUP: Needs = &[
    (Table::Meta, &[Select, Insert, Update, Create]),
    (Table::Run, &[Create]),
    (Table::Ledger, &[Create]),
    (Table::Dead, &[Create]),
    (Table::Worker, &[Create]),
    (Table::Range, &[Create]),
    (Table::Hold, &[Create]),
    (Table::Place, &[Create]),
    (Table::Limit, &[Create]),
    (Table::Permit, &[Create]),
    (Table::Rate, &[Create]),
    (Table::Governor, &[Create]),
    (Table::Event, &[Create]),
];

impl Role {
    const ALL: [Role; 3] = [Role::Publish, Role::Work, Role::Operate];

    fn check(self) -> &'static str {
        match self {
            Role::Publish => "right to publish",
            Role::Work => "right to work",
            Role::Operate => "right to operate",
        }
    }

    fn commands(self) -> &'static str {
        match self {
            Role::Publish => "publish, wait, status",
            Role::Work => "work",
            Role::Operate => "cancel, dead, purge",
        }
    }

    fn needs(self) -> Needs {
        match self {
            Role::Publish => &[
                (Table::Meta, &[Select]),
                (Table::Run, &[Select, Insert, Update]),
                (Table::Ledger, &[Select]),
                (Table::Dead, &[Select]),
                (Table::Worker, &[Select]),
                (Table::Range, &[Select, Insert]),
                (Table::Hold, &[Select]),
                (Table::Place, &[Insert]),
                (Table::Limit, &[Select]),
                (Table::Permit, &[Select]),
                (Table::Governor, &[Select]),
                (Table::Event, &[Insert]),
            ],
            Role::Work => &[
                (Table::Meta, &[Select]),
                (Table::Run, &[Select]),
                (Table::Ledger, &[Select, Insert, Update, Delete]),
                (Table::Dead, &[Select, Insert, Update]),
                (Table::Worker, &[Select, Insert, Update, Delete]),
                (Table::Hold, &[Select, Insert, Delete]),
                (Table::Limit, &[Select]),
                (Table::Permit, &[Select, Insert, Update]),
                (Table::Rate, &[Select, Update]),
                (Table::Governor, &[Select, Update]),
                (Table::Event, &[Insert]),
            ],
            Role::Operate => &[
                (Table::Meta, &[Select]),
                (Table::Run, &[Select, Update]),
                (Table::Ledger, &[Select, Insert, Delete]),
                (Table::Dead, &[Select, Update, Delete]),
                (Table::Worker, &[Select]),
                (Table::Range, &[Select, Delete]),
                (Table::Hold, &[Select, Insert, Delete]),
                (Table::Place, &[Select, Delete]),
                (Table::Limit, &[Select, Insert, Update]),
                (Table::Permit, &[Select, Insert]),
                (Table::Rate, &[Select, Insert, Update]),
                (Table::Governor, &[Select, Insert, Update]),
                (Table::Event, &[Select, Insert, Delete]),
            ],
        }
    }
}

/// What the probes mean: for one role, or for all. Publishing and working have to be possible; to operate, people often
/// use an account of their own. `setup` only counts while the tables are not there.
pub(super) fn rights(
    only: Option<Role>,
    set_up: bool,
    schema: &str,
    account: &str,
    probes: &[Probe],
) -> Vec<Finding> {
    let judge = Judge { schema, account, probes };
    if !set_up {
        return judge.role("right to set up", "setup", Level::Fail, SETUP);
    }
    let roles = Role::ALL.into_iter().filter(|role| only.is_none_or(|only| only == *role));
    let findings = roles.flat_map(|role| {
        let level = if role == Role::Operate && only.is_none() { Level::Warn } else { Level::Fail };
        judge.role(role.check(), role.commands(), level, role.needs())
    });
    findings.collect()
}

/// How many things are named that the account may not see.
const NAMES_SHOWN: usize = 5;

/// What of the jobs' database the account may not see into, where it publishes: a statement that reaches it is refused.
pub(super) fn seen(only: Option<Role>, account: &str, unseen: &[String]) -> Option<Finding> {
    only.is_none_or(|only| only == Role::Publish).then_some(())?;
    let check = "right to see";
    let Some(first) = unseen.get(..unseen.len().min(NAMES_SHOWN)).filter(|first| !first.is_empty()) else {
        let found = format!("{account} sees every table, trigger, view and routine of the database");
        return Some(Finding::ok(check, found));
    };
    let more = if unseen.len() > first.len() { ", …" } else { "" };
    let found = format!("{account} cannot see into {}{more}", first.join(", "));
    let remedy = "statements that reach it are refused without --not-atomic: GRANT TRIGGER, SHOW VIEW on the database to \
                  who publishes; for routines SHOW CREATE ROUTINE (MariaDB 11.3), SELECT ON mysql.proc (before) or \
                  SHOW_ROUTINE (MySQL)";
    Some(Finding::warn(check, found, remedy))
}

/// The tables that are known not to be there.
pub(super) fn missing_tables(probes: &[Probe]) -> Vec<Table> {
    let missing = probes.iter().filter(|probe| probe.right == Select && probe.answer == Answer::NoTable);
    missing.map(|probe| probe.table).collect()
}

struct Judge<'a> {
    schema: &'a str,
    account: &'a str,
    probes: &'a [Probe],
}

impl Judge<'_> {
    fn role(&self, check: &'static str, commands: &str, level: Level, needs: Needs) -> Vec<Finding> {
        let mut findings = Vec::new();
        let mut unclear = Vec::new();
        for (table, rights) in needs {
            let answers: Vec<&Probe> = self.of(*table, rights).collect();
            let denied: Vec<&str> =
                answers.iter().filter(|p| p.answer == Answer::Denied).map(|p| p.right.as_str()).collect();
            unclear.extend(answers.iter().filter_map(|probe| match &probe.answer {
                Answer::Unclear(words) => Some(words.as_str()),
                _ => None,
            }));
            if !denied.is_empty() {
                let denied = denied.join(", ");
                let found = format!("{} lacks {denied} on {}, for {commands}", self.account, table.as_str());
                let remedy = self.grant(&denied, *table);
                findings.push(Finding { check, level, found, remedy });
            }
        }
        if let Some(words) = unclear.first() {
            let found = format!("{} rights could not be tried, for {commands}: {words}", unclear.len());
            // What could not be tried does not work, as far as anybody knows.
            findings.push(Finding { check, level, found, remedy: String::new() });
        }
        if findings.is_empty() {
            findings.push(Finding::ok(check, format!("{} may {commands}", self.account)));
        }
        findings
    }

    fn of(&self, table: Table, rights: &'static [Right]) -> impl Iterator<Item = &Probe> {
        self.probes.iter().filter(move |probe| probe.table == table && rights.contains(&probe.right))
    }

    fn grant(&self, rights: &str, table: Table) -> String {
        let (user, host) = self.account.rsplit_once('@').unwrap_or((self.account, "%"));
        let user = user.replace('\'', "''");
        let host = host.replace('\'', "''");
        let schema = self.schema.replace('`', "``");
        format!("GRANT {rights} ON `{schema}`.{} TO '{user}'@'{host}';", table.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probes(answer: impl Fn(Table, Right) -> Answer) -> Vec<Probe> {
        let all = Table::ALL.into_iter().flat_map(|table| Right::ALL.map(|right| (table, right)));
        all.map(|(table, right)| Probe { table, right, answer: answer(table, right) }).collect()
    }

    fn without(denied: &[(Table, Right)]) -> Vec<Probe> {
        probes(|table, right| match denied.contains(&(table, right)) {
            true => Answer::Denied,
            false => Answer::Granted,
        })
    }

    fn judged(only: Option<Role>, probes: &[Probe]) -> Vec<(Level, String)> {
        let findings = rights(only, true, "shop", "o'hara@10.%", probes);
        findings.into_iter().map(|finding| (finding.level, finding.remedy)).collect()
    }

    fn good() -> (Level, String) {
        (Level::Ok, String::new())
    }

    #[test]
    fn a_missing_right_is_named_as_the_grant_that_gives_it() {
        assert_eq!(judged(None, &without(&[])), [good(), good(), good()]);
        let missing = without(&[(Table::Ledger, Insert), (Table::Ledger, Update)]);
        let grant = |rights: &str| format!("GRANT {rights} ON `shop`.queryfleet_ledger TO 'o''hara'@'10.%';");
        let work = (Level::Fail, grant("INSERT, UPDATE"));
        assert_eq!(judged(None, &missing), [good(), work.clone(), (Level::Warn, grant("INSERT"))]);
        assert_eq!(judged(Some(Role::Publish), &missing), [good()]);
        assert_eq!(judged(Some(Role::Work), &missing), [work]);
        assert_eq!(judged(Some(Role::Operate), &missing), [(Level::Fail, grant("INSERT"))]);
    }

    #[test]
    fn create_counts_only_while_the_tables_are_missing() {
        let missing = without(&[(Table::Run, Create)]);
        assert_eq!(judged(None, &missing), [good(), good(), good()]);
        let [finding] = &rights(None, false, "shop", "u@h", &missing)[..] else { panic!("one finding") };
        assert_eq!(finding.level, Level::Fail);
        assert_eq!(finding.remedy, "GRANT CREATE ON `shop`.queryfleet_run TO 'u'@'h';");
    }

    #[test]
    fn what_could_not_be_tried_fails_once_a_role() {
        let read_only = probes(|_, right| match right {
            Select => Answer::Granted,
            _ => Answer::Unclear("the server is read-only".into()),
        });
        let levels: Vec<Level> = judged(None, &read_only).into_iter().map(|(level, _)| level).collect();
        assert_eq!(levels, [Level::Fail, Level::Fail, Level::Warn]);
    }

    /// `GRANT rights ON shop.table TO 'user'@…` of deploy/grants.sql, sorted; jobs' own tables are left out.
    fn granted(user: &str) -> Vec<String> {
        let text = include_str!("../../../../deploy/grants.sql");
        let lines = text.lines().filter(|line| line.contains(&format!(" TO '{user}'@")));
        let ours = lines.filter(|line| line.starts_with("GRANT ") && line.contains(" ON shop.queryfleet_"));
        let mut ours: Vec<String> =
            ours.filter_map(|line| Some(line.split_once(" TO ")?.0.to_owned())).collect();
        ours.sort();
        ours
    }

    #[test]
    fn the_script_grants_what_is_needed_and_nothing_else() {
        let users = [
            ("queryfleet_setup", SETUP),
            ("queryfleet_publish", Role::Publish.needs()),
            ("queryfleet_work", Role::Work.needs()),
            ("queryfleet_operate", Role::Operate.needs()),
        ];
        for (user, needs) in users {
            let mut wanted: Vec<String> = needs
                .iter()
                .map(|(table, rights)| {
                    let rights: Vec<&str> = rights.iter().map(|right| right.as_str()).collect();
                    format!("GRANT {} ON shop.{}", rights.join(", "), table.as_str())
                })
                .collect();
            wanted.sort();
            assert_eq!(granted(user), wanted, "{user}");
        }
    }
}
