//! Points in time and lengths of time, both in whole milliseconds.
//!
//! A [`Timestamp`] prints as `2026-02-06T07:37:39.745Z`, always UTC, always three decimals, so that
//! text order is time order. Nothing here asks what time it is.

use std::fmt;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDate, SecondsFormat, Utc};

/// A point in time, UTC, in milliseconds since the Unix epoch, between the years 0 and 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that names no point in time, or no length of time.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no {wanted}")]
pub struct BadTime {
    /// What was typed.
    pub given: String,
    /// What would have been understood, with an example.
    pub wanted: &'static str,
}

const FIRST: i64 = -62_167_219_200_000;
const LAST: i64 = 253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the Unix epoch; beyond the years 0 to 9999 the nearest end is taken.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(FIRST, LAST))
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339 (`2026-02-06T07:37:39.745Z`, any offset). Anything finer than a millisecond is cut.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad = || BadTime { given: text.to_owned(), wanted: "time such as 2026-02-06T07:37:39.745Z" };
        let parsed = DateTime::parse_from_rfc3339(text).map_err(|_| bad())?.timestamp_millis();
        if (FIRST..=LAST).contains(&parsed) { Ok(Self(parsed)) } else { Err(bad()) }
    }

    /// Reads what a person types: RFC 3339, a date (its start in UTC), or an age such as `2h` before `now`.
    pub fn parse_moment(text: &str, now: Self) -> Result<Self, BadTime> {
        if let Ok(stamp) = Self::parse(text) {
            return Ok(stamp);
        }
        if let Some(midnight) =
            NaiveDate::parse_from_str(text, "%Y-%m-%d").ok().and_then(|day| day.and_hms_opt(0, 0, 0))
        {
            return Ok(Self::from_millis(midnight.and_utc().timestamp_millis()));
        }
        // A bare number is no age: where a revision may stand too it is the beginning of an id, and elsewhere it
        // may be meant as a year.
        let age = text.strip_suffix(" ago").unwrap_or(text);
        let has_unit = !age.ends_with(|c: char| c.is_ascii_digit());
        Span::parse(age).ok().filter(|_| has_unit).map(|span| now.minus(span)).ok_or_else(|| BadTime {
            given: text.to_owned(),
            wanted: "point in time; use 2026-02-06T07:37:39Z, 2026-02-06, or an age such as 90m, 2h, 3d",
        })
    }

    /// The length of time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Span {
        Span::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `self` moved forward by `span`.
    pub fn plus(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(span.millis()).unwrap_or(i64::MAX)))
    }

    /// `self` moved back by `span`.
    pub fn minus(self, span: Span) -> Self {
        Self::from_millis(self.0.saturating_sub(i64::try_from(span.millis()).unwrap_or(i64::MAX)))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(at: Timestamp) -> Self {
        let distance = Duration::from_millis(at.millis().unsigned_abs());
        let moved = if at.millis() < 0 {
            Self::UNIX_EPOCH.checked_sub(distance)
        } else {
            Self::UNIX_EPOCH.checked_add(distance)
        };
        moved.unwrap_or(Self::UNIX_EPOCH)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(at: SystemTime) -> Self {
        let millis = |distance: Duration| i64::try_from(distance.as_millis()).unwrap_or(i64::MAX);
        Self::from_millis(match at.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => millis(after),
            Err(before) => -millis(before.duration()),
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at: DateTime<Utc> = DateTime::from_timestamp_millis(self.0).unwrap_or_default();
        f.write_str(&at.to_rfc3339_opts(SecondsFormat::Millis, true))
    }
}

/// A length of time in milliseconds, never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(u64);

impl Span {
    /// From milliseconds.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// From seconds.
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(1000))
    }

    /// In milliseconds.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// Its size in the largest unit that fits, rounded to the nearest, for people: `12 minutes`, `1 hour`,
    /// `3 days`.
    pub fn in_words(self) -> String {
        let units = [("day", 86_400_000), ("hour", 3_600_000), ("minute", 60_000), ("second", 1000)];
        let rounded = |millis: u64| self.0.saturating_add(millis / 2) / millis;
        // Half a second more is nearly the next unit: 59.7 s are a minute.
        let fit = units.iter().find(|(_, millis)| self.0.saturating_add(500) >= *millis);
        let (unit, count) = fit.map_or(("second", 0), |(unit, millis)| (*unit, rounded(*millis)));
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
    }

    /// Reads a whole number with a unit: `500ms`, `60s`, `90m`, `2h`, `3d`, `1w`; a bare number is seconds.
    pub fn parse(text: &str) -> Result<Self, BadTime> {
        let bad =
            || BadTime { given: text.to_owned(), wanted: "length of time; use 500ms, 60s, 90m, 2h or 3d" };
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, unit) = text.split_at(digits);
        let factor: u64 = match unit {
            "ms" => 1,
            "" | "s" => 1000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            _ => return Err(bad()),
        };
        number.parse::<u64>().ok().and_then(|n| n.checked_mul(factor)).map(Self).ok_or_else(bad)
    }
}

/// How short and how long a length of time may be, both included.
///
/// Each length that a person or a file can choose has its bounds here, whoever reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The shortest.
    pub least: Span,
    /// The longest.
    pub most: Span,
}

impl Bounds {
    /// How long a lock lasts: a second to a day.
    pub const LOCK: Self = Self::of(1, 24 * 60 * 60);
    /// The skew between clocks before a lock counts as run out: up to an hour. With more, locks would hardly run out.
    pub const LOCK_SLACK: Self = Self::of(0, 60 * 60);
    /// For how long an agent may be silent before it, or its claim, counts as stale: a second to a year. After none
    /// at all every claim would be stale at once.
    pub const STALE_AFTER: Self = Self::of(1, 365 * 24 * 60 * 60);
    /// How long somebody waits for something: up to a week.
    pub const PATIENCE: Self = Self::of(0, 7 * 24 * 60 * 60);
    /// How far the clocks may differ of those that wrote a history: up to a year.
    pub const CLOCKS: Self = Self::of(0, 365 * 24 * 60 * 60);

    const fn of(least: u64, most: u64) -> Self {
        Self { least: Span::from_secs(least), most: Span::from_secs(most) }
    }

    /// Refuses what lies outside, in a sentence that goes behind the name of what it is.
    pub fn check(self, span: Span) -> Result<(), String> {
        if (self.least..=self.most).contains(&span) {
            return Ok(());
        }
        Err(format!("`{span}` is out of bounds; from {} to {}", self.least, self.most))
    }

    /// The nearest length inside.
    pub fn clamp(self, span: Span) -> Span {
        span.clamp(self.least, self.most)
    }
}

impl fmt::Display for Span {
    /// The shortest exact form, such as `60s` → `1m`, `90s`, `250ms`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, millis) in [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)] {
            if self.0 >= millis && self.0.is_multiple_of(millis) {
                return write!(f, "{}{unit}", self.0 / millis);
            }
        }
        if self.0 == 0 { f.write_str("0s") } else { write!(f, "{}ms", self.0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn stamps_print_as_they_are_read() {
        for text in ["2026-02-06T07:37:39.745Z", "1970-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"] {
            assert_eq!(at(text).to_string(), text);
        }
        assert_eq!(at("2026-02-06T08:37:39.7459+01:00").to_string(), "2026-02-06T07:37:39.745Z");
        assert!(Timestamp::parse("2026-02-06").is_err());
    }

    #[test]
    fn a_moment_may_be_a_stamp_a_date_or_an_age() {
        let now = at("2026-02-06T12:00:00.000Z");
        for (typed, expected) in [
            ("2026-02-06T07:00:00Z", "2026-02-06T07:00:00.000Z"),
            ("2026-02-05", "2026-02-05T00:00:00.000Z"),
            ("90m", "2026-02-06T10:30:00.000Z"),
            ("2h ago", "2026-02-06T10:00:00.000Z"),
        ] {
            assert_eq!(Timestamp::parse_moment(typed, now).unwrap().to_string(), expected, "{typed}");
        }
        // A bare number may be a year, or the beginning of an id.
        for bad in [
            "yesterday",
            "60",
            "2026",
            "1234567",
            "0",
            "60 ago",
            "",
            "ago",
            " 2h",
            "2h ",
            "+2h",
            "-2h",
            "1.5h",
            "1_0h",
        ] {
            assert!(Timestamp::parse_moment(bad, now).is_err(), "{bad}");
        }
    }

    #[test]
    fn spans_read_their_units_and_refuse_the_rest() {
        for (typed, millis) in
            [("60", 60_000), ("250ms", 250), ("1m", 60_000), ("2h", 7_200_000), ("1d", 86_400_000)]
        {
            assert_eq!(Span::parse(typed).unwrap().millis(), millis, "{typed}");
        }
        for typed in [
            "",
            "s",
            "-1s",
            "+1s",
            " 1s",
            "1s ",
            "1 s",
            "1.5h",
            "1e3",
            "1_000",
            "\u{ff15}s",
            "1H",
            "1S",
            "1y",
            "1mo",
            "1h30m",
            "0x10",
            "\u{661}s",
            "99999999999999999999s",
            "18446744073709551615d",
        ] {
            assert!(Span::parse(typed).is_err(), "{typed}");
        }
        for (typed, millis) in [("007", 7000), ("0", 0), ("1min", 60_000), ("1w", 604_800_000)] {
            assert_eq!(Span::parse(typed).unwrap().millis(), millis, "{typed}");
        }
        assert_eq!(Span::from_secs(90).to_string(), "90s");
        assert_eq!(Span::from_secs(3600).to_string(), "1h");
    }

    #[test]
    fn what_is_out_of_bounds_is_told_with_them() {
        for (bounds, span, says) in [
            (Bounds::LOCK, "90d", "`90d` is out of bounds; from 1s to 1d"),
            (Bounds::LOCK, "999ms", "`999ms` is out of bounds; from 1s to 1d"),
            (Bounds::LOCK_SLACK, "9999d", "`9999d` is out of bounds; from 0s to 1h"),
            (Bounds::STALE_AFTER, "0s", "`0s` is out of bounds; from 1s to 365d"),
            (Bounds::PATIENCE, "8d", "`8d` is out of bounds; from 0s to 7d"),
        ] {
            assert_eq!(bounds.check(Span::parse(span).unwrap()).unwrap_err(), says);
        }
        for (bounds, span) in [
            (Bounds::LOCK, "1s"),
            (Bounds::LOCK, "24h"),
            (Bounds::LOCK_SLACK, "0"),
            (Bounds::STALE_AFTER, "1s"),
            (Bounds::PATIENCE, "0"),
        ] {
            assert_eq!(bounds.check(Span::parse(span).unwrap()), Ok(()), "{span}");
        }
        assert_eq!(Bounds::LOCK.clamp(Span::from_secs(0)), Span::from_secs(1));
    }

    #[test]
    fn spans_have_words() {
        for (secs, words) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (59, "59 seconds"),
            (89, "1 minute"),
            (119, "2 minutes"),
            (7200, "2 hours"),
            (90_000, "1 day"),
        ] {
            assert_eq!(Span::from_secs(secs).in_words(), words);
        }
    }

    #[test]
    fn time_never_runs_below_zero() {
        let early = at("2026-02-06T07:00:00Z");
        let late = at("2026-02-06T07:00:01Z");
        assert_eq!(late.since(early).millis(), 1000);
        assert_eq!(early.since(late).millis(), 0);
    }
}
