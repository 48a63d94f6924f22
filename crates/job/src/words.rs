//! Closed sets of words, for tables, metrics, logs and docs.

/// An enum of values without data, each with its word. A value's doc comment is also what the docs say of it.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $value:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $meaning])+ $value,)*
        }

        impl $name {
            /// Every value, in the order of the enum: `value as usize` is its index here.
            pub const ALL: [$name; [$($word),*].len()] = [$($name::$value),*];

            /// The word in tables, output, metrics and logs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)*
                }
            }

            /// What the word says, a sentence for docs/metrics.md.
            pub fn meaning(self) -> &'static str {
                match self {
                    $($name::$value => concat!($($meaning),+).trim(),)*
                }
            }
        }
    };
}

pub(crate) use words;
