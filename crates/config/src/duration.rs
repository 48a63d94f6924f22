//! Durations as people write them: one number, one unit.

use std::time::Duration;

/// The longest duration that a variable takes: 30 days. RabbitMQ keeps a TTL in 32 bits of milliseconds (49 days),
/// and no clock overflows when this is added to it.
pub const MAX_DURATION: Duration = Duration::from_secs(30 * 24 * 3600);

const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("ms", 1), ("m", 60_000), ("s", 1_000)];

/// Reads `500ms`, `25s`, `15m` or `1h`. `None` for anything else: no unit, a fraction, zero, more than [`MAX_DURATION`].
pub fn parse_duration(text: &str) -> Option<Duration> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit)?;
    let milliseconds = number.parse::<u64>().ok()?.checked_mul(*factor)?;
    let duration = Duration::from_millis(milliseconds);
    (!duration.is_zero() && duration <= MAX_DURATION).then_some(duration)
}

/// Writes `duration`, cut to milliseconds, in the largest unit that is exact: `90s`, `1m`, `1500ms`. What
/// [`parse_duration`] reads comes back as an equal duration, so this is also the one name of a retry tier.
pub fn format_duration(duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    let exact = |factor: u128| milliseconds != 0 && milliseconds.is_multiple_of(factor);
    match milliseconds {
        n if exact(3_600_000) => format!("{}h", n / 3_600_000),
        n if exact(60_000) => format!("{}m", n / 60_000),
        n if exact(1_000) => format!("{}s", n / 1_000),
        n => format!("{n}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_one_number_and_one_unit() {
        for (text, milliseconds) in [("500ms", 500), ("25s", 25_000), ("15m", 900_000), ("1h", 3_600_000)] {
            let duration = parse_duration(text).unwrap();
            assert_eq!(duration, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(format_duration(duration), text);
        }
        assert_eq!(parse_duration("720h"), Some(MAX_DURATION));
    }

    #[test]
    fn refuses_everything_else() {
        let bad =
            ["", "15", "s", "0s", "1.5s", "-1s", "+1s", "1 s", " 1s", "1s ", "1S", "1h30m", "721h", "1d"];
        for text in bad.into_iter().chain(["99999999999999999999s", "18446744073709551615h", "5µs", "１s"])
        {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }

    #[test]
    fn writes_the_largest_exact_unit() {
        for (milliseconds, text) in
            [(90_000, "90s"), (60_000, "1m"), (1_500, "1500ms"), (7_200_000, "2h"), (0, "0ms")]
        {
            assert_eq!(format_duration(Duration::from_millis(milliseconds)), text);
        }
    }
}
