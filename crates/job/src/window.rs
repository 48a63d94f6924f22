//! The hours in which jobs may begin: a pure function of a text and of the server's time in UTC, so that every worker comes to
//! the same answer, whatever its own clock says.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan};

/// The days, the hours and the zone of a window, such as `mon-fri 22:00-06:00 Europe/Berlin`. A window over midnight is of
/// the day on which it opens; one that ends when it begins lasts a day.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    text: String,
    days: Vec<Weekday>,
    from: Time,
    to: Time,
    zone: TimeZone,
}

/// Why a text is no window.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WindowError {
    /// It has another form.
    #[error("a window is like `22:00-06:00 Europe/Berlin` or `mon-fri,sun 22:00-06:00 UTC`")]
    Form,
    /// It has a day that there is not.
    #[error("{0} is no day: mon, tue, wed, thu, fri, sat or sun, or a range such as mon-fri")]
    Day(String),
    /// It has an hour that there is not.
    #[error("{0} is no time of a day, such as 22:00")]
    Time(String),
    /// It has a zone that there is not.
    #[error("{0} is no time zone, such as Europe/Berlin or UTC")]
    Zone(String),
}

const DAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl FromStr for Window {
    type Err = WindowError;

    fn from_str(text: &str) -> Result<Window, WindowError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (days, hours, zone) = match words.as_slice() {
            [hours, zone] => (None, *hours, *zone),
            [days, hours, zone] => (Some(*days), *hours, *zone),
            _ => return Err(WindowError::Form),
        };
        let (from, to) = hours.split_once('-').ok_or(WindowError::Form)?;
        Ok(Window {
            text: words.join(" "),
            days: match days {
                None => DAYS.map(|(_, day)| day).to_vec(),
                Some(days) => parse_days(&days.to_ascii_lowercase())?,
            },
            from: parse_time(from)?,
            to: parse_time(to)?,
            zone: TimeZone::get(zone).map_err(|_| WindowError::Zone(zone.to_owned()))?,
        })
    }
}

fn parse_days(text: &str) -> Result<Vec<Weekday>, WindowError> {
    let index = |name: &str| {
        let found = DAYS.iter().position(|(day, _)| *day == name);
        found.ok_or_else(|| WindowError::Day(name.to_owned()))
    };
    let mut days = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (index(first)?, index(last)?);
        // `sat-mon` goes over the end of the week.
        let count = (last + DAYS.len() - first) % DAYS.len() + 1;
        days.extend((0..count).map(|day| DAYS[(first + day) % DAYS.len()].1));
    }
    Ok(days)
}

fn parse_time(text: &str) -> Result<Time, WindowError> {
    let wrong = || WindowError::Time(text.to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let number = |text: &str| if text.len() == 2 { text.parse::<i8>().ok() } else { None };
    let (hour, minute) = number(hour).zip(number(minute)).ok_or_else(wrong)?;
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Window {
    /// Whether it is open at this time, in seconds since 1970, if it closes `margin` seconds before its end.
    pub fn is_open(&self, utc: i64, margin: i64) -> bool {
        let Some(today) = self.date(utc) else { return false };
        // It may have opened yesterday.
        let opened = [today.yesterday().ok(), Some(today)];
        opened
            .into_iter()
            .flatten()
            .filter_map(|day| self.on(day))
            .any(|(from, to)| from <= utc && utc < to - margin)
    }

    /// When it opens next, in seconds since 1970.
    pub fn opens_at(&self, utc: i64) -> Option<i64> {
        let today = self.date(utc)?;
        let days = (0..=DAYS.len() as i64).filter_map(|days| today.checked_add(days.days()).ok());
        days.filter_map(|day| self.on(day)).map(|(from, _)| from).find(|from| *from > utc)
    }

    /// Its length in seconds by the clock on the wall; on the nights of a time change it is longer or shorter.
    pub fn length(&self) -> i64 {
        let seconds = |time: Time| (i64::from(time.hour()) * 60 + i64::from(time.minute())) * 60;
        let length = (seconds(self.to) - seconds(self.from)).rem_euclid(24 * 3600);
        if length == 0 { 24 * 3600 } else { length }
    }

    fn date(&self, utc: i64) -> Option<Date> {
        Some(Timestamp::from_second(utc).ok()?.to_zoned_datetime(self.zone.clone()).date())
    }

    /// From when to when it is open that opens on this day, in seconds since 1970. An hour that there is twice, in autumn, is
    /// the first one; one that there is not, in spring, is the next.
    fn on(&self, day: Date) -> Option<(i64, i64)> {
        if !self.days.contains(&day.weekday()) {
            return None;
        }
        let last = if self.to > self.from { day } else { day.checked_add(Span::new().days(1)).ok()? };
        let at = |date: Date, time: Time| {
            let zoned = date.to_datetime(time).to_zoned_datetime(self.zone.clone()).ok()?;
            Some(zoned.timestamp().as_second())
        };
        Some((at(day, self.from)?, at(last, self.to)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(text: &str) -> Window {
        text.parse().unwrap()
    }

    fn utc(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_second()
    }

    #[test]
    fn what_is_no_window_is_said() {
        assert_eq!("".parse::<Window>(), Err(WindowError::Form));
        assert_eq!("22:00 UTC".parse::<Window>(), Err(WindowError::Form));
        for (text, wrong) in [
            ("24:00-06:00 UTC", WindowError::Time("24:00".into())),
            ("22-06 UTC", WindowError::Time("22".into())),
            ("2:00-06:00 UTC", WindowError::Time("2:00".into())),
            ("22:00-06:00 Mars/North", WindowError::Zone("Mars/North".into())),
            ("mo 22:00-06:00 UTC", WindowError::Day("mo".into())),
            ("mon- 22:00-06:00 UTC", WindowError::Day(String::new())),
        ] {
            assert_eq!(text.parse::<Window>(), Err(wrong), "{text}");
        }
    }

    #[test]
    fn it_is_open_from_its_beginning_until_its_end_or_the_margin_before() {
        let night = window("22:00-06:00 UTC");
        for (time, margin, open) in [
            ("2026-11-26T21:59:59Z", 0, false),
            ("2026-11-26T22:00:00Z", 0, true),
            ("2026-11-27T05:59:59Z", 0, true),
            ("2026-11-27T06:00:00Z", 0, false),
            ("2026-11-27T05:49:59Z", 600, true),
            ("2026-11-27T05:50:00Z", 600, false),
        ] {
            assert_eq!(night.is_open(utc(time), margin), open, "{time}");
        }
        let day = window("08:00-08:00 UTC");
        assert_eq!((day.length(), day.is_open(utc("2026-11-27T07:59:59Z"), 0)), (86_400, true));
        assert_eq!(night.length(), 8 * 3600);
    }

    #[test]
    fn a_window_over_midnight_is_of_the_day_on_which_it_opens() {
        // 2026-11-27 is a Friday.
        let weekdays = window("mon-fri 22:00-06:00 UTC");
        assert!(weekdays.is_open(utc("2026-11-28T05:00:00Z"), 0), "Friday's");
        assert!(!weekdays.is_open(utc("2026-11-28T23:00:00Z"), 0));
        assert!(!weekdays.is_open(utc("2026-11-30T05:00:00Z"), 0), "Sunday's would be");
        assert_eq!(weekdays.opens_at(utc("2026-11-28T05:00:00Z")), Some(utc("2026-11-30T22:00:00Z")));
        let weekend = window("SAT-mon,wed 10:00-11:00 UTC");
        let open: Vec<i8> =
            (23..30).filter(|day| weekend.is_open(utc(&format!("2026-11-{day}T10:30:00Z")), 0)).collect();
        assert_eq!(open, [23, 25, 28, 29]);
    }

    #[test]
    fn both_nights_of_a_time_change_begin_and_end_by_the_clock_on_the_wall() {
        let night = window("22:00-06:00 Europe/Berlin");
        // Spring: from UTC+1 to UTC+2, seven hours.
        assert!(night.is_open(utc("2026-03-28T21:00:00Z"), 0));
        assert!(!night.is_open(utc("2026-03-28T20:59:59Z"), 0));
        assert!(night.is_open(utc("2026-03-29T03:59:59Z"), 0));
        assert!(!night.is_open(utc("2026-03-29T04:00:00Z"), 0));
        // Autumn: from UTC+2 to UTC+1, nine hours.
        assert!(!night.is_open(utc("2026-10-24T19:59:59Z"), 0));
        assert!(night.is_open(utc("2026-10-24T20:00:00Z"), 0));
        assert!(night.is_open(utc("2026-10-25T04:59:59Z"), 0));
        assert!(!night.is_open(utc("2026-10-25T05:00:00Z"), 0));
        // What begins in the hour that there is not.
        let early = window("02:30-04:00 Europe/Berlin");
        assert!(!early.is_open(utc("2026-03-29T00:59:59Z"), 0));
        assert!(early.is_open(utc("2026-03-29T01:30:00Z"), 0));
    }
}
