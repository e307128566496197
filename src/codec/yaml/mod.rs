//! YAML as the board uses it: values, files that are rewritten line by line, and errors that name a place.
//!
//! Promises:
//! - what is written is read back exactly, byte for byte of every text, by this module; and no YAML 1.1 or 1.2
//!   reader takes a text for a number, a date, a truth value or nothing;
//! - [`Document::parse`] of any bytes ends soon, in a document or in a [`Problem`] with line and column; it never panics;
//! - [`Document::set`] and [`Document::remove`] change only the lines of their key, and a document they leave behind
//!   can be parsed again, or they refuse and change nothing.
//!
//! Read: one document, UTF-8, LF or CRLF, at its top a block mapping whose keys stand in the first column.
//! Refused, each by its own words: a byte order mark, UTF-16, control characters, an unresolved merge conflict,
//! directives, anchors, aliases, tags, merge keys, duplicate keys, several documents, more than [`MAX_BYTES`],
//! [`MAX_DEPTH`] or [`MAX_NODES`].
//!
//! The grammar is the library's (its event stream, which has the exact place of every node); this module adds
//! only what a plain scalar means. That is deliberately little: `true` and `false`, nothing (`null`, `~`, empty), whole
//! numbers in their one canonical spelling, and stamps. `no`, `0x1f`, `007` or `1.5` stay the text they are written as,
//! so a hand-written id `01234567` is not lost to a number.

mod document;
mod emit;
mod fields;
#[cfg(test)]
mod hostile;
#[cfg(test)]
pub(super) mod laws;
mod read;
#[cfg(test)]
mod rewrites;
mod scalar;
mod value;

pub use document::Document;
pub use fields::Fields;
pub use value::Value;

/// The most bytes a document may have, read or written: 1 MiB.
pub const MAX_BYTES: usize = 1 << 20;

/// How deep lists and mappings may be nested, the top-level mapping included.
pub const MAX_DEPTH: usize = 16;

/// The most keys, texts, numbers, lists and mappings one document may hold together.
pub const MAX_NODES: usize = 100_000;

/// The longest key that is written, in characters. (YAML ends a key after 1,024, escapes included.)
pub const MAX_KEY: usize = 128;

/// Why bytes are not a document, or a value is not what was asked for, and where.
///
/// Shown as `line:column: why`, so that a path in front makes `path:line:column: why`. No control character of the
/// file gets into `why`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {why}")]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// What is wrong, lower case.
    pub why: String,
}

/// Why a value can't be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The file would be larger than [`MAX_BYTES`].
    #[error("the file would have {bytes} bytes, at most {MAX_BYTES} are allowed")]
    TooLarge {
        /// What it would have.
        bytes: usize,
    },
    /// A key is longer than [`MAX_KEY`].
    #[error("a key has {characters} characters, at most {MAX_KEY} are allowed")]
    LongKey {
        /// What it has.
        characters: usize,
    },
    /// The file as it would be can't be read again (too deep, too many values, the same key twice).
    #[error("the file could not be read again: {0}")]
    Unreadable(Problem),
}

/// A user's text for an error message: one line, no control characters, at most 60 characters.
fn shown(text: &str) -> String {
    let mut shown = String::new();
    for (at, character) in text.chars().enumerate() {
        if at == 60 {
            shown.push('…');
            break;
        }
        if scalar::is_plainly_visible(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}
