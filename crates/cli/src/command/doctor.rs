//! `queryfleet doctor`.

use queryfleet_config::Config;
use queryfleet_operator::{Finding, Level, Role};
use serde_json::json;

use crate::Exit;
use crate::command::print_json;
use crate::failure::Failure;
use crate::output;

/// Prints what was found at both servers; a failed check is the exit code.
pub(crate) async fn doctor(config: &Config, only: Option<Role>, json: bool) -> Result<Exit, Failure> {
    let findings = queryfleet_operator::doctor(config, only).await;
    let ok = findings.iter().all(|finding| finding.level != Level::Fail);
    if json {
        let checks: Vec<_> = findings.iter().map(finding_json).collect();
        print_json(&json!({ "ok": ok, "checks": checks }));
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

/// A contract: keys are added, never changed.
fn finding_json(finding: &Finding) -> serde_json::Value {
    let Finding { check, level, found, remedy } = finding;
    json!({ "check": check, "level": level.as_str(), "found": found, "remedy": remedy })
}
