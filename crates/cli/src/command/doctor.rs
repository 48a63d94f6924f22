//! `queryfleet doctor`.

use queryfleet_config::Config;
use queryfleet_operator::{Finding, Level, Role};
use serde::Serialize;

use crate::Exit;
use crate::failure::Failure;
use crate::output;

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct DoctorView<'a> {
    ok: bool,
    checks: Vec<FindingView<'a>>,
}

/// A contract: keys are added, never changed.
#[derive(Serialize)]
struct FindingView<'a> {
    check: &'static str,
    level: &'static str,
    found: &'a str,
    remedy: &'a str,
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> FindingView<'a> {
        let Finding { check, level, found, remedy } = finding;
        FindingView { check, level: level.as_str(), found, remedy }
    }
}

/// Prints what was found at both servers; a failed check is the exit code.
pub(crate) async fn doctor(config: &Config, only: Option<Role>, json: bool) -> Result<Exit, Failure> {
    let findings = queryfleet_operator::doctor(config, only).await;
    let ok = findings.iter().all(|finding| finding.level != Level::Fail);
    if json {
        output::print_json(&DoctorView { ok, checks: findings.iter().map(FindingView::from).collect() });
    } else {
        findings.iter().map(line).for_each(output::print);
    }
    Ok(if ok { Exit::Success } else { Exit::Failed })
}

fn line(finding: &Finding) -> String {
    // A server's message may hold line breaks; a finding is one line.
    let found = finding.found.replace(['\n', '\r'], " ");
    let line = format!("{:<4}  {:<16}  {found}", finding.level.as_str(), finding.check);
    if finding.remedy.is_empty() { line } else { format!("{line} → {}", finding.remedy) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_one_line() {
        let finding = |found: &str, remedy: &str| Finding {
            check: "tables",
            level: Level::Warn,
            found: found.into(),
            remedy: remedy.into(),
        };
        assert_eq!(line(&finding("two\nlines", "")), "warn  tables            two lines");
        assert_eq!(line(&finding("wrong", "do so")), "warn  tables            wrong → do so");
    }
}
