//! What a key can do: the same as a command, whose line is shown before it is done.

use queryfleet_config::Config;
use queryfleet_ledger::{HoldRow, NewHold};
use queryfleet_operator::{Lift, Operator};

use crate::advice::shell_word;
use crate::command::{approve, cancel, hold, limit};
use crate::failure::Failure;
use crate::limit_arguments::{rate_change, slots_change};

/// A change of the fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    Pause {
        because: String,
    },
    Resume {
        hold: u64,
    },
    /// As `--slots` takes it.
    Slots(String),
    /// As `--rate` takes it.
    Rate(String),
    Cancel {
        run: String,
    },
    Approve {
        run: String,
    },
}

impl Action {
    /// The command that does the same.
    pub(super) fn command_line(&self) -> String {
        let words = match self {
            Action::Pause { because } if because.is_empty() => "pause".to_owned(),
            Action::Pause { because } => format!("pause --because {}", shell_word(because)),
            Action::Resume { hold } => format!("resume {hold}"),
            Action::Slots(slots) => format!("limit --slots {slots}"),
            Action::Rate(rate) => format!("limit --rate {rate}"),
            Action::Cancel { run } => format!("cancel {}", shell_word(run)),
            Action::Approve { run } => format!("approve {}", shell_word(run)),
        };
        format!("queryfleet {words}")
    }

    /// Does it, and says in a line what came of it.
    pub(super) async fn act(self, config: &Config) -> Result<String, Failure> {
        let mut operator = Operator::new(config)?;
        let lines = match self {
            Action::Pause { because } => {
                let by = queryfleet_config::login_name();
                let new = NewHold {
                    queue: &config.queue,
                    until: None,
                    ends_running: false,
                    by: &by,
                    because: &because,
                };
                let row = operator.pause(new).await?;
                hold::obeyed(&operator.obedience_to(row.hold.id, false).await?, "obey the hold", "holds")
            }
            Action::Resume { hold } => {
                operator.resume(&Lift::These(vec![hold])).await?;
                let mut lines =
                    hold::obeyed(&operator.obedience_to(hold, true).await?, "have seen it", "holds");
                let rest = operator.holds().await?;
                lines.extend(rest.first().map(|row: &HoldRow| format!("still held: {}", row.hold)));
                lines
            }
            Action::Slots(text) => limited(&mut operator, slots_change(&text)).await?,
            Action::Rate(text) => limited(&mut operator, rate_change(&text)).await?,
            Action::Cancel { run } => {
                vec![cancel::cancelled(&operator.cancel(&run, false).await?)]
            }
            Action::Approve { run } => {
                let (run, counts) = operator.approve(&run).await?;
                vec![approve::approved(&run, &counts)]
            }
        };
        Ok(lines.join("; "))
    }
}

async fn limited(
    operator: &mut Operator,
    change: Result<queryfleet_operator::LimitChange, String>,
) -> Result<Vec<String>, Failure> {
    let by = queryfleet_config::login_name();
    let standing = operator.set_limit(change.map_err(Failure::usage)?, &by, "").await?;
    let obedience = operator.obedience_to_limit(limit::version(&standing)).await?;
    Ok(hold::obeyed(&obedience, "obey the limit", "limits"))
}
