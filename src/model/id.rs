//! Ids of tasks and events.
//!
//! A [`TaskId`] is valid by construction; a [`TaskRef`] is what somebody typed and names one task, none,
//! or several, which only a board can tell.

use std::fmt;

use super::{Code, Refusal};

/// The id of a task: eight lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskId([u8; 8]);

impl TaskId {
    /// The number of hex digits of an id.
    pub const LENGTH: usize = 8;

    /// Exactly eight lower-case hex digits, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: [u8; 8] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|d| matches!(d, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    /// The id made of the first four bytes of `random`.
    pub fn from_random(random: [u8; 16]) -> Self {
        let mut digits = [0; 8];
        for (at, digit) in digits.iter_mut().enumerate() {
            let nibble = (random[at / 2] >> (4 * (1 - at % 2))) & 0xf;
            *digit = b"0123456789abcdef"[usize::from(nibble)];
        }
        Self(digits)
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl fmt::Display for TaskId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What somebody typed for a task: its id, or the first three or more digits of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskRef(String);

impl TaskRef {
    /// The shortest prefix that is accepted.
    pub const SHORTEST: usize = 3;

    /// Three to eight hex digits, in either case.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let digits = text.to_ascii_lowercase();
        let fits = (Self::SHORTEST..=TaskId::LENGTH).contains(&digits.len());
        if fits && digits.bytes().all(|d| d.is_ascii_hexdigit()) {
            return Ok(Self(digits));
        }
        Err(Refusal::new(
            Code::Usage,
            format!(
                "`{}` is no task id: eight hex digits, or the first three or more of them",
                text.escape_debug()
            ),
        )
        .hint("orchestrator status"))
    }

    /// The digits, lower-case.
    pub fn prefix(&self) -> &str {
        &self.0
    }

    /// The id, when all eight digits were given.
    pub fn whole(&self) -> Option<TaskId> {
        TaskId::parse(&self.0)
    }
}

impl From<TaskId> for TaskRef {
    fn from(id: TaskId) -> Self {
        Self(id.to_string())
    }
}

impl fmt::Display for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of an event: a UUID v7 where we minted it, 32 hex digits where a reader derived it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(String);

impl EventId {
    /// Letters, digits and `-`, at most 64 of them; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (1..=64).contains(&text.len());
        (fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')).then(|| Self(text.to_owned()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 128 random bits in hex. Every lock record carries one, so that two takers never write the same commit:
/// a compare-and-swap between equal values has two winners.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Nonce(String);

impl Nonce {
    /// The nonce made of these bits.
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(random.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// 32 lower-case hex digits, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 32 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        hex.then(|| Self(text.to_owned()))
    }

    /// The digits as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn task_ids_are_eight_lower_case_hex_digits() {
        assert_eq!(TaskId::parse("299833bc").unwrap().as_str(), "299833bc");
        for bad in ["299833b", "299833bcd", "299833BC", "299833bg", "../../ab", ""] {
            assert_eq!(TaskId::parse(bad), None, "{bad}");
        }
        let mut random = [0; 16];
        random[..4].copy_from_slice(&[0x29, 0x98, 0x33, 0xbc]);
        assert_eq!(TaskId::from_random(random).as_str(), "299833bc");
    }

    #[test]
    fn references_are_prefixes_in_either_case() {
        assert_eq!(TaskRef::parse("29983").unwrap().prefix(), "29983");
        assert_eq!(TaskRef::parse("299833BC").unwrap().whole(), TaskId::parse("299833bc"));
        for bad in ["29", "", "xyz", "299833bcd", "29 98"] {
            assert_eq!(TaskRef::parse(bad).unwrap_err().code, Code::Usage, "{bad}");
        }
    }
}
