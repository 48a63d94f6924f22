//! The closed sets of label values.

/// What the constructor of [`crate::Metrics`] needs to know: the labels that other crates own. Outcomes, classes and
/// actions are later given by their index in these lists.
#[derive(Debug, Clone)]
pub struct Labels<'a> {
    /// The queue that this process serves.
    pub queue: &'a str,
    /// How many slots it has; their labels are `1` to this number.
    pub slots: usize,
    /// Every value of `outcome`.
    pub outcomes: &'a [&'a str],
    /// Every value of `class`.
    pub classes: &'a [&'a str],
    /// Every value of `action`.
    pub actions: &'a [&'a str],
    /// Every value of `reason` of dead jobs.
    pub dead_reasons: &'a [&'a str],
    /// The version of the binary.
    pub version: &'a str,
    /// The commit that it was built from, or `unknown`.
    pub revision: &'a str,
}

macro_rules! label {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $value:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[doc = $meaning])+ $value,)*
        }

        impl $name {
            /// Every label value, in the order of the enum: `value as usize` is its index here.
            pub const ALL: &'static [&'static str] = &[$($text),*];
            /// What each value says.
            pub(crate) const MEANINGS: &'static [(&'static str, &'static str)] =
                &[$(($text, concat!($($meaning),+))),*];

            /// The label value.
            pub fn as_str(self) -> &'static str {
                Self::ALL[self as usize]
            }
        }
    };
}

label! {
    /// A server that a worker cannot do without.
    Dependency {
        /// RabbitMQ.
        Broker = "broker",
        /// MySQL or MariaDB.
        Database = "database",
    }
}

label! {
    /// How the publishing of a message ended.
    PublishResult {
        /// The broker has it, safely.
        Confirmed = "confirmed",
        /// No queue takes it: it came back.
        Unroutable = "unroutable",
        /// The broker refused it.
        Nacked = "nacked",
        /// No answer came, or the connection broke first: the broker may have it or not.
        Unanswered = "unanswered",
    }
}

label! {
    /// Why a running statement's connection was killed.
    KillReason {
        /// The statement ran longer than its deadline.
        Deadline = "deadline",
        /// The worker stops, and its drain deadline has passed.
        Drain = "drain",
        /// Its run was cancelled with `--now`.
        Cancel = "cancel",
    }
}
