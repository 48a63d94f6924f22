//! What a person can do about an error, by the options and commands of this program and of those that write dumps: the
//! libraries know none of them.

use queryfleet_producer::{Error, PastEnd, Problem, RunOption};
use queryfleet_sql::{Refusal, SessionState, SplitError};

/// The options that help against an error of the producer, as the end of its sentence.
fn producer_advice(error: &Error) -> Option<String> {
    match error {
        Error::Statement { problem, .. } => advice_of_problem(problem),
        Error::Split { source, .. } => advice_of_split_error(source).map(str::to_owned),
        Error::Checksum { .. } => Some("the expected one is that of --sha256".into()),
        Error::Foreign { suits_rows: true, .. } => {
            Some("--template and --rows run a statement for each row".into())
        }
        Error::Moving { name, .. } => Some(format!("publish it again with `--run {name}`")),
        Error::TooLarge { name, .. } => Some(format!("`--run {name}` resumes it")),
        Error::Unfinished(name) => {
            Some(format!("`--run {name}` resumes it, `--again` publishes everything once more"))
        }
        Error::Repeated { name, end } => Some(match end {
            PastEnd::Ended { dead: 1.., .. } => format!(
                "`queryfleet dead list --run {name}` shows the dead jobs, `--again` executes every statement once more"
            ),
            PastEnd::Ended { .. } | PastEnd::Cancelled { .. } | PastEnd::Purged => {
                "`--again` executes every statement once more".into()
            }
        }),
        Error::CancelledBefore(_) => Some("publish the input under another name".into()),
        Error::Option { option: RunOption::SessionSql, .. } => Some("the option is --session-sql".into()),
        Error::Option { option: RunOption::NotAtomic, .. } => Some("the option is --not-atomic".into()),
        Error::Chunk(_) => Some("the option is --chunk".into()),
        Error::MissingOfNoRun => Some("--missing needs --run".into()),
        Error::NoRun(_) => Some("`queryfleet status` lists the newest runs".into()),
        Error::Ledger(error) => advice_of_ledger(error),
        _ => None,
    }
}

fn advice_of_problem(problem: &Problem) -> Option<String> {
    match problem {
        Problem::Refused(refusal) => advice_of_refusal(refusal).map(str::to_owned),
        Problem::NotAtomic { kind: "ddl", .. } => Some(
            "--not-atomic says how to run it all the same (a dump without such statements: --no-create-info \
             --skip-triggers --skip-disable-keys)"
                .into(),
        ),
        Problem::NotAtomic { .. } => Some("--not-atomic says how to run it all the same".into()),
        Problem::NotHeld(reason) if !reason.is_forgery() => {
            Some("or say with --not-atomic how to run it".into())
        }
        Problem::NoWhere { .. } => Some("--allow-no-where if that is meant".into()),
        Problem::TooLongForMessage { .. } => Some("of a dump: --hex-blob".into()),
        Problem::SessionSettings { session_sql, .. } => Some(format!(
            "a dump must hold rows only (--no-create-info --skip-triggers --skip-add-locks --skip-disable-keys \
             --skip-no-autocommit --hex-blob); give --session-sql {}",
            shell_word(session_sql)
        )),
        Problem::AmbiguousBackslash | Problem::AmbiguousNull => {
            Some("say --csv-dialect mysql, or --csv-dialect rfc4180".into())
        }
        Problem::DialectOfNdjson => Some("leave out --csv-dialect".into()),
        _ => None,
    }
}

fn advice_of_refusal(refusal: &Refusal) -> Option<&'static str> {
    match refusal {
        Refusal::Several { .. } => {
            Some("make each a job of its own, and procedures and triggers with the client, before the run")
        }
        Refusal::SessionState(state) => advice_of_session_state(*state),
        _ => None,
    }
}

fn advice_of_session_state(state: SessionState) -> Option<&'static str> {
    match state {
        SessionState::Set => {
            Some("--session-sql gives every session of a run what it needs (autocommit is always on)")
        }
        SessionState::Transaction => Some("phpMyAdmin's option is `Enclose export in a transaction`"),
        SessionState::Lock => Some("of a dump: --skip-add-locks"),
        SessionState::Prepared => Some("an NDJSON input binds values"),
        _ => None,
    }
}

fn advice_of_split_error(error: &SplitError) -> Option<&'static str> {
    match error {
        SplitError::NotUtf8 { .. } => Some("of a dump: --hex-blob"),
        _ => None,
    }
}

/// The options and commands that help against an error of the operator.
fn operator_advice(error: &queryfleet_operator::Error) -> Option<String> {
    use queryfleet_operator::Error;
    match error {
        Error::LimitChanged => Some("`queryfleet limit` shows what is in force now".into()),
        Error::Limit(_) => {
            Some("set the limit anew with `queryfleet limit`, with the keys of the workers".into())
        }
        Error::SeveralHolds(_) => Some("say which, or --all".into()),
        Error::NoFilter => Some(
            "give --run, --code, --sqlstate or --reason, or --all for the dead jobs of all runs".to_owned(),
        ),
        Error::NotDead { run, .. } => {
            Some(format!("`queryfleet dead list --run {run}` lists those that are"))
        }
        Error::NoRun(_) => Some("`queryfleet status` lists the newest runs".into()),
        Error::Ledger(error) => advice_of_ledger(error),
        _ => None,
    }
}

/// What helps if queryfleet's own tables are missing.
fn advice_of_ledger(error: &queryfleet_ledger::Error) -> Option<String> {
    error.lacks_own_table().then(|| "`queryfleet setup` makes its tables and queues".into())
}

/// The options that help against an error of the configuration.
fn config_advice(error: &queryfleet_config::Error) -> Option<String> {
    use queryfleet_config::Error;
    match error {
        Error::PasswordInUrl { server: "broker" } => Some("--amqp-password-file names its file".into()),
        Error::PasswordInUrl { .. } => {
            Some("--mysql-password-file names its file, or ~/.my.cnf holds it".into())
        }
        _ => None,
    }
}

/// The text of an error and, where options help, which.
pub(crate) fn with_config_advice(error: &queryfleet_config::Error) -> String {
    with(error, config_advice(error))
}

/// The text of an error and, where options help, which.
pub(crate) fn with_producer_advice(error: &Error) -> String {
    with(error, producer_advice(error))
}

/// The text of an error and, where options help, which.
pub(crate) fn with_operator_advice(error: &queryfleet_operator::Error) -> String {
    with(error, operator_advice(error))
}

/// The text of an error of the library and, where options help, which.
pub(crate) fn with_advice(error: queryfleet::Error) -> String {
    let cause = error.into_cause();
    if let Some(error) = cause.downcast_ref::<Error>() {
        with_producer_advice(error)
    } else if let Some(error) = cause.downcast_ref::<queryfleet_config::Error>() {
        with_config_advice(error)
    } else {
        with(&*cause, None)
    }
}

fn with(error: &(dyn std::error::Error + 'static), advice: Option<String>) -> String {
    let text = queryfleet_job::causes(error);
    match advice {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// A text as one word of a shell's command line, in double quotes unless something in it has a meaning there.
pub(crate) fn shell_word(text: &str) -> String {
    if text.contains(['"', '\\', '$', '`', '!', '\n']) {
        return format!("'{}'", text.replace('\'', r"'\''"));
    }
    format!("\"{text}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_can_be_typed_into_a_shell() {
        assert_eq!(shell_word("SET sql_mode='A'"), "\"SET sql_mode='A'\"");
        assert_eq!(shell_word("/*!80000 SET a='x' */"), r"'/*!80000 SET a='\''x'\'' */'");
    }

    #[test]
    fn an_error_ends_with_the_options_that_help() {
        let unfinished = Error::Unfinished("first".into());
        assert!(
            with_producer_advice(&unfinished)
                .ends_with("`--run first` resumes it, `--again` publishes everything once more")
        );
        assert_eq!(producer_advice(&Error::Cancelled("first".into())), None);
    }
}
