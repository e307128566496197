//! Numbers, as people write them.

use std::num::ParseIntError;
use std::str::FromStr;

/// A whole number as everybody writes one: digits, and a `-` before them where it may be negative. Rust would take `+5`
/// too, which lengths of time and ids don't.
pub(super) fn whole<N: FromStr<Err = ParseIntError>>(text: &str) -> Result<N, String> {
    if text.starts_with('+') {
        return Err("a number is written in digits, without a sign".to_owned());
    }
    text.parse().map_err(|error: ParseIntError| error.to_string())
}

/// A number of things, of which none at all would be no question.
pub(super) fn count(text: &str) -> Result<usize, String> {
    match whole(text)? {
        0 => Err("it has to be 1 or more".to_owned()),
        count => Ok(count),
    }
}

/// A number from 1 to `MOST`.
pub(super) fn up_to<const MOST: u16>(text: &str) -> Result<u16, String> {
    match whole(text)? {
        number if (1..=MOST).contains(&number) => Ok(number),
        number => Err(format!("{number} is not in 1..={MOST}")),
    }
}
