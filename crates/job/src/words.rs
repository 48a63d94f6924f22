//! Closed sets of words, for tables, metrics, logs and docs.

/// Declares an enum whose values carry no data, each with its word. A value's doc comment is also the text that the
/// docs show for it. A word that is written in two places would drift apart, so every set of the workspace is made by
/// this.
///
/// ```
/// queryfleet_job::words! {
///     /// How a door stands.
///     Door {
///         /// Anybody can walk in.
///         Open = "open",
///         /// It has to be opened first.
///         Shut = "shut",
///     }
/// }
///
/// assert_eq!(Door::ALL.map(Door::as_str), ["open", "shut"]);
/// assert_eq!("shut".parse(), Ok(Door::Shut));
/// assert_eq!(Door::Open.meaning(), "Anybody can walk in.");
/// assert_eq!("ajar".parse::<Door>().unwrap_err().to_string(), "`ajar` is none of `open`, `shut`");
/// ```
#[macro_export]
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[doc = $meaning:literal])+ $value:ident = $word:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[doc = $meaning])+ $value,)*
        }

        impl $name {
            /// Every value, in the order of the enum.
            pub const ALL: [$name; [$($word),*].len()] = [$($name::$value),*];

            /// The word in tables, output, metrics and logs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$value => $word,)*
                }
            }

            /// What the word means: whole sentences, for the docs.
            pub const fn meaning(self) -> &'static str {
                match self {
                    $($name::$value => concat!($($meaning),+).trim_ascii(),)*
                }
            }
        }

        impl $crate::Word for $name {
            const ALL: &'static [$name] = &$name::ALL;

            fn as_str(self) -> &'static str {
                $name::as_str(self)
            }

            fn meaning(self) -> &'static str {
                $name::meaning(self)
            }

            fn index(self) -> usize {
                self as usize
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ::std::str::FromStr for $name {
            type Err = $crate::UnknownWord;

            fn from_str(word: &str) -> ::std::result::Result<$name, $crate::UnknownWord> {
                $crate::find_word(word)
            }
        }
    };
}

/// A value of a closed set that [`words!`](crate::words!) has declared, for code that works with any such set: a
/// counter for each value of a metric's label, a table of the docs.
pub trait Word: Copy + 'static {
    /// Every value, in the order of the enum.
    const ALL: &'static [Self];

    /// The word in tables, output, metrics and logs.
    fn as_str(self) -> &'static str;

    /// What the word means: whole sentences, for the docs.
    fn meaning(self) -> &'static str;

    /// The position of the value in [`Word::ALL`].
    fn index(self) -> usize;
}

/// A word that is not in its closed set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
    word: String,
    known: String,
}

/// The value with this word.
///
/// # Errors
/// [`UnknownWord`] if no value of the set has it; the error's text lists the words that there are.
pub fn find_word<W: Word>(word: &str) -> Result<W, UnknownWord> {
    let found = W::ALL.iter().find(|value| value.as_str() == word);
    found.copied().ok_or_else(|| {
        let known: Vec<String> = W::ALL.iter().map(|value| format!("`{}`", value.as_str())).collect();
        UnknownWord { word: crate::foreign(word), known: known.join(", ") }
    })
}
