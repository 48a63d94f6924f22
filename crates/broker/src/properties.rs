//! A message's headers in AMQP's properties. The one place that knows the names of headers.

use std::time::{SystemTime, UNIX_EPOCH};

use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use queryfleet_job::envelope::FIRST_ERROR_LIMIT;
use queryfleet_job::{Headers, Message, SIGNATURE_LENGTH, bounded};

const ATTEMPTS: &str = "x-queryfleet-attempts";
const FIRST_ERROR: &str = "x-queryfleet-first-error";
/// Unsigned: whoever forges it changes only how many packets the jobs are in.
const APART: &str = "x-queryfleet-apart";
const SIGNATURE: &str = "x-queryfleet-signature";
/// Signs attempts and first error.
const ATTEMPTS_SIGNATURE: &str = "x-queryfleet-attempts-signature";
/// The broker's own header: an entry for each queue and reason for which it has dead-lettered the message.
const X_DEATH: &str = "x-death";
/// The longest name of a queue, in bytes. A header of a foreign message may hold anything.
const MAX_QUEUE_NAME_BYTES: usize = 255;
const PERSISTENT_DELIVERY_MODE: u8 = 2;

/// The properties with which a message is published: persistent, with the present time.
pub(crate) fn write(message: &Message) -> BasicProperties {
    let mut table = FieldTable::default();
    if message.headers.attempts > 0 {
        table.insert(ATTEMPTS.into(), AMQPValue::LongUInt(message.headers.attempts));
    }
    if message.headers.apart {
        table.insert(APART.into(), AMQPValue::Boolean(true));
    }
    let Headers { first_error, signature, attempts_signature, .. } = &message.headers;
    for (name, text) in
        [(FIRST_ERROR, first_error), (SIGNATURE, signature), (ATTEMPTS_SIGNATURE, attempts_signature)]
    {
        if let Some(text) = text {
            table.insert(name.into(), AMQPValue::LongString(text.as_str().into()));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    BasicProperties::default()
        .with_delivery_mode(PERSISTENT_DELIVERY_MODE)
        .with_content_type("application/json".into())
        .with_message_id(message.id.as_str().into())
        .with_timestamp(now)
        .with_headers(table)
}

/// The headers in a delivery's properties. A header of another type than ours counts as absent, and so does a signature
/// of another length; a first error that is too long is cut off.
pub(crate) fn read(properties: &BasicProperties) -> Headers {
    let table = properties.headers().as_ref();
    let value = |name: &str| table.and_then(|table| table.inner().get(name));
    let text = |name: &str| match value(name) {
        Some(AMQPValue::LongString(text)) => Some(String::from_utf8_lossy(text.as_bytes())),
        _ => None,
    };
    let signature = |name: &str| {
        text(name).filter(|text| text.len() == SIGNATURE_LENGTH).map(std::borrow::Cow::into_owned)
    };
    let attempts = match value(ATTEMPTS) {
        Some(AMQPValue::LongUInt(n)) => *n,
        Some(AMQPValue::LongLongInt(n)) => u32::try_from(*n).unwrap_or(0),
        Some(AMQPValue::LongInt(n)) => u32::try_from(*n).unwrap_or(0),
        _ => 0,
    };
    let first_error = text(FIRST_ERROR).map(|text| bounded(text.into_owned(), FIRST_ERROR_LIMIT));
    Headers {
        attempts,
        first_error,
        apart: matches!(value(APART), Some(AMQPValue::Boolean(true))),
        signature: signature(SIGNATURE),
        attempts_signature: signature(ATTEMPTS_SIGNATURE),
    }
}

/// Why the broker has dead-lettered a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeadLetterReason {
    /// A consumer rejected it.
    Rejected,
    /// It was delivered as often as the queue permits.
    DeliveryLimit,
    /// Its time to live has passed.
    Expired,
    /// The queue was over its maximum length.
    MaxLen,
    /// Any other reason.
    Other,
}

/// The last time that the broker has dead-lettered a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLettered {
    /// Why.
    pub reason: DeadLetterReason,
    /// From which queue; at most 255 bytes, the longest name that a queue can have.
    pub queue: String,
}

/// The newest entry of `x-death`, which the broker puts first; `None` for a message that it has not dead-lettered.
pub(crate) fn dead_lettered(properties: &BasicProperties) -> Option<DeadLettered> {
    let Some(AMQPValue::FieldArray(deaths)) = properties.headers().as_ref()?.inner().get(X_DEATH) else {
        return None;
    };
    let Some(AMQPValue::FieldTable(newest)) = deaths.as_slice().first() else { return None };
    let text = |name: &str| match newest.inner().get(name) {
        Some(AMQPValue::LongString(text)) => text.as_bytes(),
        _ => &[],
    };
    let reason = match text("reason") {
        b"rejected" => DeadLetterReason::Rejected,
        b"delivery_limit" => DeadLetterReason::DeliveryLimit,
        b"expired" => DeadLetterReason::Expired,
        b"maxlen" => DeadLetterReason::MaxLen,
        _ => DeadLetterReason::Other,
    };
    let queue = text("queue");
    let queue = String::from_utf8_lossy(&queue[..queue.len().min(MAX_QUEUE_NAME_BYTES)]).into_owned();
    Some(DeadLettered { reason, queue })
}

/// Whole seconds since the message was published, by the clocks of two machines; for metrics only.
pub(crate) fn waited_s(properties: &BasicProperties) -> Option<u64> {
    let published = (*properties.timestamp())?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?.as_secs();
    Some(now.saturating_sub(published))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_come_back_as_they_were_sent() {
        let headers = Headers {
            attempts: 3,
            first_error: Some("1213: deadlock".into()),
            signature: Some("ab".repeat(32)),
            apart: true,
            attempts_signature: Some("cd".repeat(32)),
        };
        let message = Message { id: "7/1".into(), body: b"{}".to_vec(), headers };
        assert_eq!(read(&write(&message)), message.headers);
        assert_eq!(read(&BasicProperties::default()), Headers::default());
    }

    #[test]
    fn foreign_headers_are_bounded() {
        let long = "x".repeat(1_000_000);
        let headers = Headers {
            attempts: 3,
            first_error: Some(long.clone()),
            apart: false,
            signature: Some(long.clone()),
            attempts_signature: Some(long),
        };
        let read = read(&write(&Message { id: "7/1".into(), body: b"{}".to_vec(), headers }));
        assert!(read.first_error.is_some_and(|text| text.len() <= FIRST_ERROR_LIMIT));
        assert_eq!((read.signature, read.attempts_signature), (None, None));
    }

    #[test]
    fn the_newest_death_says_why_and_from_where() {
        let dead = |reasons: &[&str]| {
            let death = |reason: &&str| {
                let mut entry = FieldTable::default();
                entry.insert("reason".into(), AMQPValue::LongString((*reason).into()));
                entry.insert("queue".into(), AMQPValue::LongString("q".repeat(300).into()));
                AMQPValue::FieldTable(entry)
            };
            let mut table = FieldTable::default();
            let deaths: Vec<AMQPValue> = reasons.iter().map(death).collect();
            table.insert(X_DEATH.into(), AMQPValue::FieldArray(deaths.into()));
            death_of(table)
        };
        fn death_of(table: FieldTable) -> Option<DeadLetterReason> {
            let dead_lettered = dead_lettered(&BasicProperties::default().with_headers(table))?;
            assert_eq!(dead_lettered.queue.len(), 255);
            Some(dead_lettered.reason)
        }
        assert_eq!(dead(&["rejected", "expired"]), Some(DeadLetterReason::Rejected));
        assert_eq!(dead(&["delivery_limit", "rejected"]), Some(DeadLetterReason::DeliveryLimit));
        assert_eq!(dead(&["expired", "delivery_limit"]), Some(DeadLetterReason::Expired));
        assert_eq!(dead(&["maxlen"]), Some(DeadLetterReason::MaxLen));
        assert_eq!(dead(&["of another version"]), Some(DeadLetterReason::Other));
        assert_eq!(dead(&[]), None);
        assert_eq!(dead_lettered(&BasicProperties::default()), None);
    }
}
