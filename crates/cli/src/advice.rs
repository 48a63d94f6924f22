//! What a person can do about an error, by the options and commands of this program: the libraries know none of them.

use queryfleet_producer::{Error, Problem, RunOption};

/// The options that help against an error of the producer, as the end of its sentence.
fn producer_advice(error: &Error) -> Option<String> {
    match error {
        Error::Statement { problem, .. } => advice_of_problem(problem),
        Error::Checksum { .. } => Some("the expected one is that of --sha256".into()),
        Error::Foreign { suits_rows: true, .. } => {
            Some("--template and --rows run a statement for each row".into())
        }
        Error::Moving { name, .. } => Some(format!("publish it again with `--run {name}`")),
        Error::TooLarge { name, .. } => Some(format!("`--run {name}` resumes it")),
        Error::Unfinished(name) => {
            Some(format!("`--run {name}` resumes it, `--again` publishes everything once more"))
        }
        Error::Option { option: RunOption::SessionSql, .. } => Some("the option is --session-sql".into()),
        Error::Option { option: RunOption::NotAtomic, .. } => Some("the option is --not-atomic".into()),
        Error::Chunk(_) => Some("the option is --chunk".into()),
        Error::MissingOfNoRun => Some("--missing needs --run".into()),
        Error::NoRun(_) => Some("`queryfleet status` lists the newest runs".into()),
        _ => None,
    }
}

fn advice_of_problem(problem: &Problem) -> Option<String> {
    match problem {
        Problem::NotAtomic { .. } => Some("--not-atomic says how to run it all the same".into()),
        Problem::NotHeld(reason) if !reason.is_forgery() => {
            Some("or say with --not-atomic how to run it".into())
        }
        Problem::NoWhere { .. } => Some("--allow-no-where if that is meant".into()),
        Problem::SessionSettings { session_sql, .. } => {
            Some(format!("give --session-sql {}", shell_word(session_sql)))
        }
        Problem::AmbiguousBackslash => Some("say --csv-dialect mysql, or --csv-dialect rfc4180".into()),
        Problem::DialectOfNdjson => Some("leave out --csv-dialect".into()),
        _ => None,
    }
}

/// The text of an error and, where options help, which.
pub(crate) fn with_producer_advice(error: &Error) -> String {
    let text = queryfleet_job::causes(error);
    match producer_advice(error) {
        Some(advice) => format!("{text}; {advice}"),
        None => text,
    }
}

/// The options and commands that help against an error of the operator.
pub(crate) fn operator_advice(error: &queryfleet_operator::Error) -> Option<String> {
    use queryfleet_operator::Error;
    match error {
        Error::NoFilter => Some(
            "give --run, --code, --sqlstate or --reason, or --all for the dead jobs of all runs".to_owned(),
        ),
        Error::NotDead { run, .. } => Some(format!("`queryfleet dead list --run {run}`")),
        _ => None,
    }
}

/// A text as one word of a shell's command line, in double quotes unless something in it has a meaning there.
fn shell_word(text: &str) -> String {
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
