//! What a run is published as, written down once in its row and signed: what every message of it is executed under.
//!
//! A message names its manifest by digest, so what the message's signature covers covers the manifest too: session
//! SQL, the mode of statements that are not atomic, the queue and the total cannot be changed beside a genuine message.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::digest::{HexDigits, parse_hex};
use crate::json;
use crate::{LedgerId, RunId, hex, words};

/// The version of manifests that this crate writes and reads, unless they have a canary.
pub const VERSION: u32 = 1;
/// The version of those that have one: a program that knows of none publishes and executes nothing of such a run.
pub const WITH_CANARY: u32 = 2;

/// A run, as it is published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`VERSION`], or [`WITH_CANARY`].
    pub v: u32,
    /// The ledger that it was published for.
    pub ledger: LedgerId,
    /// The run.
    pub run: RunId,
    /// The queue that its messages are executed from, and no other.
    pub queue: String,
    /// The database that is current for statements without one of their own.
    pub schema: String,
    /// SQL for every session that runs its jobs.
    pub session_sql: Option<String>,
    /// How its statements that are not atomic are run.
    pub not_atomic: Option<NotAtomic>,
    /// SHA-256 of the whole input, in hexadecimal.
    pub input: String,
    /// How many jobs it has: their seqs are 1 to this.
    pub total: u64,
    /// So many jobs are published before somebody approves the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<u64>,
}

words! {
    /// How a run has asked for its statements that are not atomic to be run (`--not-atomic`).
    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    NotAtomic {
        /// A `started` row is written first; whoever finds it parks the job as unknown.
        Park = "park",
        /// The job is repeated after a doubtful end: the user says that this is harmless.
        Repeat = "repeat",
    }
}

/// Why a manifest cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is not a manifest at all.
    #[error("its manifest cannot be read: {0}")]
    Broken(String),
    /// It was written by a newer program.
    #[error("its manifest is of version {0}, newer than this worker's {WITH_CANARY}: upgrade the worker")]
    Newer(u32),
}

#[derive(Deserialize)]
struct OnlyVersion {
    v: u32,
}

impl Manifest {
    /// The bytes that are kept in the run's row, and signed.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        json::write(&mut bytes, self);
        bytes
    }

    /// Reads those bytes.
    ///
    /// # Errors
    /// Returns a [`ManifestError`], with a bounded text, if the bytes are not a manifest or of a newer version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Manifest, ManifestError> {
        let broken = |error: serde_json::Error| ManifestError::Broken(crate::foreign(error.to_string()));
        let OnlyVersion { v } = serde_json::from_slice(bytes).map_err(broken)?;
        match v {
            VERSION | WITH_CANARY => {
                let manifest: Manifest = serde_json::from_slice(bytes).map_err(broken)?;
                match manifest.canary.is_some() == (v == WITH_CANARY) {
                    true => Ok(manifest),
                    false => Err(ManifestError::Broken("its version is not that of what it holds".into())),
                }
            }
            0 => Err(ManifestError::Broken("version 0".into())),
            _ => Err(ManifestError::Newer(v)),
        }
    }
}

/// SHA-256 of a manifest's bytes; 64 hexadecimal digits in an envelope.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ManifestDigest([u8; 32]);

impl ManifestDigest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> ManifestDigest {
        ManifestDigest(Sha256::digest(bytes).into())
    }
}

impl fmt::Display for ManifestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for ManifestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ManifestDigest({self})")
    }
}

impl FromStr for ManifestDigest {
    type Err = String;

    fn from_str(text: &str) -> Result<ManifestDigest, String> {
        let wrong = "the digest of a manifest is 64 hexadecimal digits in lower case";
        parse_hex(text, &HexDigits::LOWER_CASE).map(ManifestDigest).ok_or_else(|| wrong.to_owned())
    }
}

impl Serialize for ManifestDigest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for ManifestDigest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ManifestDigest, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        Manifest {
            v: VERSION,
            ledger: LedgerId("00".repeat(16)),
            run: RunId(7),
            queue: "default".into(),
            schema: "shop".into(),
            session_sql: Some("SET @x = 'é'".into()),
            not_atomic: Some(NotAtomic::Park),
            input: "ab".repeat(32),
            total: 3,
            canary: None,
        }
    }

    #[test]
    fn the_bytes_are_the_documented_ones() {
        let wanted = format!(
            r#"{{"v":1,"ledger":"{}","run":7,"queue":"default","schema":"shop","session_sql":"SET @x = 'é'","not_atomic":"park","input":"{}","total":3}}"#,
            "00".repeat(16),
            "ab".repeat(32)
        );
        let bytes = manifest().to_bytes();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), wanted);
        assert_eq!(Manifest::from_bytes(&bytes).unwrap(), manifest());
        let digest = ManifestDigest::of(&bytes);
        assert_eq!(digest.to_string(), crate::digest(&bytes));
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn a_manifest_that_cannot_be_read_whole_is_none() {
        let text = String::from_utf8(manifest().to_bytes()).unwrap();
        let more = text.replace("\"total\":3", "\"total\":3,\"when\":1");
        for text in ["", "{}", "null", &text[1..], &more, &text.replace("\"v\":1", "\"v\":0")] {
            assert!(matches!(Manifest::from_bytes(text.as_bytes()), Err(ManifestError::Broken(_))), "{text}");
        }
        let newer = br#"{"v":3,"of":"another form"}"#;
        assert!(matches!(Manifest::from_bytes(newer), Err(ManifestError::Newer(3))));
        let canary = Manifest { v: WITH_CANARY, canary: Some(2), ..manifest() };
        assert_eq!(Manifest::from_bytes(&canary.to_bytes()).unwrap(), canary);
        for wrong in [Manifest { v: VERSION, ..canary.clone() }, Manifest { canary: None, ..canary }] {
            assert!(matches!(Manifest::from_bytes(&wrong.to_bytes()), Err(ManifestError::Broken(_))));
        }
        let long = format!(r#"{{"v":"{}"}}"#, "x".repeat(70_000));
        let error = Manifest::from_bytes(long.as_bytes()).unwrap_err().to_string();
        assert!(error.len() < 3000, "{}", error.len());
        for text in ["", "ab", &"AB".repeat(32), &"zz".repeat(32), &"é".repeat(32), &"ab".repeat(33)] {
            assert!(text.parse::<ManifestDigest>().is_err(), "{text}");
        }
    }
}
