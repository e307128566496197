//! Names that people and agents choose: workstreams, agents, knowledge topics, lock resources.
//!
//! A name becomes a file name, a ref name and a word in `git log`, on every system that may clone the
//! board. Hence one narrow alphabet for all of them, and a refusal that proposes the nearest good name.

use std::fmt;

use unicode_properties::{GeneralCategory, UnicodeGeneralCategory as _};

/// Why a text can't be a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` can't name {kind}: {why}", given.escape_debug())]
pub struct BadName {
    /// What it was to name, with its article: `a workstream`.
    pub kind: &'static str,
    /// What was given.
    pub given: String,
    /// The rule it breaks.
    pub why: &'static str,
    /// The nearest good name, where there is one.
    pub suggestion: Option<String>,
}

const LONGEST: usize = 64;

/// The rule for one path part. Whatever passes is safe as a file name on every system and in a ref name.
fn check_part(part: &str) -> Result<(), &'static str> {
    let first = part.bytes().next();
    if first.is_none() {
        return Err("it is empty");
    }
    if !first.is_some_and(|b| b.is_ascii_alphanumeric()) {
        return Err("it must start with a letter or a digit");
    }
    if !part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return Err("only letters, digits, `.`, `_` and `-` are allowed");
    }
    if part.len() > LONGEST {
        return Err("it is longer than 64 characters");
    }
    if part.contains("..") {
        return Err("it must not contain `..`");
    }
    if part.ends_with('.') {
        return Err("it must not end in `.`");
    }
    if part.to_ascii_lowercase().ends_with(".lock") {
        return Err("it must not end in `.lock`, which git uses for its own files");
    }
    if part.eq_ignore_ascii_case("head") {
        return Err("`HEAD` is a word of git's");
    }
    if is_device(part) {
        return Err("it is the name of a device on Windows");
    }
    Ok(())
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).to_ascii_lowercase();
    let numbered = |prefix: &str| {
        stem.strip_prefix(prefix)
            .is_some_and(|rest| rest.len() == 1 && rest.bytes().all(|b| b.is_ascii_digit()))
    };
    matches!(stem.as_str(), "con" | "prn" | "aux" | "nul") || numbered("com") || numbered("lpt")
}

/// The nearest text that passes [`check_part`]: bad characters become `-`, ends are trimmed.
fn mend_part(part: &str) -> Option<String> {
    let mut mended = String::new();
    for c in part.chars() {
        let good = c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let next = if good { c } else { '-' };
        let repeats = matches!(next, '.' | '-') && mended.ends_with(next);
        if mended.len() < LONGEST && !repeats {
            mended.push(next);
        }
    }
    let mut mended = mended.trim_matches(['.', '_', '-']).to_owned();
    while mended.to_ascii_lowercase().ends_with(".lock") {
        mended.truncate(mended.len() - ".lock".len());
    }
    if is_device(&mended) || mended.eq_ignore_ascii_case("head") {
        mended.insert_str(0, "x-");
    }
    check_part(&mended).is_ok().then_some(mended)
}

macro_rules! name_type {
    ($(#[$doc:meta])* $type:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(String);

        impl $type {
            /// Letters, digits, `.`, `_` and `-`, at most 64, starting with a letter or a digit; the
            /// refusal carries the nearest good name.
            pub fn parse(text: &str) -> Result<Self, BadName> {
                check_part(text).map(|()| Self(text.to_owned())).map_err(|why| BadName {
                    kind: $kind,
                    given: text.to_owned(),
                    why,
                    suggestion: mend_part(text),
                })
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
    };
}

name_type!(
    /// The name of a workstream.
    WorkstreamName,
    "a workstream"
);
name_type!(
    /// The id of an agent: whoever acts, a program or a person.
    AgentId,
    "an agent"
);

impl AgentId {
    /// Who acts when nobody says who acts.
    pub fn system() -> Self {
        Self("system".to_owned())
    }
}

/// The topic of a knowledge document; it may have several parts, separated by `/`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Topic(String);

impl Topic {
    /// One to eight parts, each as a workstream's name and not ending in `.md`.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let parts: Vec<&str> = text.split('/').collect();
        let verdict = if parts.len() > 8 {
            Err("it has more than eight parts")
        } else {
            parts.iter().try_for_each(|part| {
                if part.to_ascii_lowercase().ends_with(".md") {
                    return Err("a part must not end in `.md`; the file's ending is added by itself");
                }
                check_part(part)
            })
        };
        verdict.map(|()| Self(text.to_owned())).map_err(|why| BadName {
            kind: "a topic",
            given: text.to_owned(),
            why,
            suggestion: Self::mend(text),
        })
    }

    fn mend(text: &str) -> Option<String> {
        let parts: Vec<String> = text
            .split('/')
            .filter_map(|part| {
                let bare =
                    if part.to_ascii_lowercase().ends_with(".md") { &part[..part.len() - 3] } else { part };
                mend_part(bare)
            })
            .take(8)
            .collect();
        let mended = parts.join("/");
        (!mended.is_empty() && Self::parse(&mended).is_ok()).then_some(mended)
    }

    /// The topic as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// What a lock protects: any printable text of at most 200 bytes, such as `src/main.rs` or `db migration`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Resource(String);

impl Resource {
    /// Printable text, neither empty nor longer than 200 bytes, without surrounding blanks. Names that locks have had
    /// are taken even where they hold a character that `acquire` refuses today (a tag, say), so that such a lock can be
    /// shown and released.
    pub fn parse(text: &str) -> Result<Self, BadName> {
        let why = if text.is_empty() {
            "it is empty"
        } else if text.len() > 200 {
            "it is longer than 200 bytes"
        } else if text.trim() != text {
            "it starts or ends with a blank"
        } else if !text.chars().all(may_be_recorded) {
            "it holds a character that does not print"
        } else {
            return Ok(Self(text.to_owned()));
        };
        let printable: String = text.trim().chars().filter(|c| is_printable(*c)).collect();
        let suggestion = (!printable.is_empty() && printable.len() <= 200 && printable.trim() == printable)
            .then_some(printable);
        Err(BadName { kind: "a resource", given: text.to_owned(), why, suggestion })
    }

    /// The resource as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// How many letters were typed wrong, left out or added.
pub(crate) fn typos(one: &str, two: &str) -> usize {
    let (one, two) = (one.to_ascii_lowercase(), two.to_ascii_lowercase());
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, b) in two.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (corner + usize::from(a != b)).min(above + 1).min(row[j] + 1);
            corner = above;
        }
    }
    row[two.len()]
}

/// Whether the name of a lock that was taken may hold it.
fn may_be_recorded(c: char) -> bool {
    let reorders = matches!(c, '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    let breaks = matches!(c, '\u{2028}' | '\u{2029}');
    !(c.is_control() || reorders || breaks)
}

/// Whether a character shows itself. Text of one agent is shown on the terminal of another, and read by the model of a
/// third: what neither shows must not be hidden in it.
///
/// By its general category in Unicode 18: control (Cc), format (Cf: directions, tags, soft hyphens), private (Co),
/// unassigned (Cn) and separators of lines and paragraphs (Zl, Zp) do not print, nor do the characters of other
/// categories that Unicode calls ignorable by default (fillers, selectors of variants). Three are left, which emoji and
/// some scripts are written with: the two joiners and U+FE0F.
pub(crate) fn is_printable(c: char) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    if matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}') {
        return true;
    }
    let is_ignorable = matches!(c,
        '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}'
        | '\u{fe00}'..='\u{fe0e}' | '\u{ffa0}' | '\u{e0000}'..='\u{e0fff}');
    match c.general_category() {
        GeneralCategory::Control
        | GeneralCategory::Format
        | GeneralCategory::Surrogate
        | GeneralCategory::PrivateUse
        | GeneralCategory::Unassigned
        | GeneralCategory::LineSeparator
        | GeneralCategory::ParagraphSeparator => false,
        GeneralCategory::UppercaseLetter
        | GeneralCategory::LowercaseLetter
        | GeneralCategory::TitlecaseLetter
        | GeneralCategory::ModifierLetter
        | GeneralCategory::OtherLetter
        | GeneralCategory::NonspacingMark
        | GeneralCategory::SpacingMark
        | GeneralCategory::EnclosingMark
        | GeneralCategory::DecimalNumber
        | GeneralCategory::LetterNumber
        | GeneralCategory::OtherNumber
        | GeneralCategory::ConnectorPunctuation
        | GeneralCategory::DashPunctuation
        | GeneralCategory::OpenPunctuation
        | GeneralCategory::ClosePunctuation
        | GeneralCategory::InitialPunctuation
        | GeneralCategory::FinalPunctuation
        | GeneralCategory::OtherPunctuation
        | GeneralCategory::MathSymbol
        | GeneralCategory::CurrencySymbol
        | GeneralCategory::ModifierSymbol
        | GeneralCategory::OtherSymbol
        | GeneralCategory::SpaceSeparator => !is_ignorable,
    }
}

/// Whether nothing of a text is to be seen: blanks, what does not print, joiners and selectors, and the empty pattern
/// of Braille.
pub(crate) fn is_blank(text: &str) -> bool {
    let is_seen = |c: char| {
        is_printable(c)
            && !(c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe0f}' | '\u{2800}'))
    };
    !text.chars().any(is_seen)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_pass() {
        for name in ["revenue", "agent-1", "A", "v1.2_x", "0", &"a".repeat(64)] {
            assert_eq!(WorkstreamName::parse(name).unwrap().as_str(), name);
        }
    }

    #[test]
    fn bad_names_are_refused_with_the_nearest_good_one() {
        for (name, nearest) in [
            ("", None),
            ("..", None),
            (".git", Some("git")),
            ("-rf", Some("rf")),
            ("a b", Some("a-b")),
            ("a/b", Some("a-b")),
            ("a..b", Some("a.b")),
            ("ends.", Some("ends")),
            ("x.lock", Some("x")),
            ("x.LOCK", Some("x")),
            ("HEAD", Some("x-HEAD")),
            ("con", Some("x-con")),
            ("Com1.txt", Some("x-Com1.txt")),
            ("münchen", Some("m-nchen")),
            ("a\nb", Some("a-b")),
            ("\u{202e}abc", Some("abc")),
        ] {
            let refused = WorkstreamName::parse(name).unwrap_err();
            assert_eq!(refused.suggestion.as_deref(), nearest, "{name}");
        }
        let long = AgentId::parse(&"a".repeat(65)).unwrap_err();
        assert_eq!(long.suggestion.unwrap().len(), 64);
    }

    #[test]
    fn what_is_suggested_is_accepted() {
        for name in ["a b c", "...", "x.lock.lock", "ünïcode", "nul", "a--b", "_x_"] {
            if let Err(BadName { suggestion: Some(better), .. }) = AgentId::parse(name) {
                assert!(AgentId::parse(&better).is_ok(), "{name} -> {better}");
            }
        }
    }

    #[test]
    fn topics_have_parts() {
        assert!(Topic::parse("api-design").is_ok());
        assert!(Topic::parse("api/v2/errors").is_ok());
        for (bad, better) in [
            ("../../etc/passwd", Some("etc/passwd")),
            ("/abs", Some("abs")),
            ("a//b", Some("a/b")),
            ("notes.md", Some("notes")),
            ("a/.git/b", Some("a/git/b")),
            ("/", None),
        ] {
            assert_eq!(Topic::parse(bad).unwrap_err().suggestion.as_deref(), better, "{bad}");
        }
    }

    #[test]
    fn resources_are_printable() {
        for good in ["git", "src/main.rs", "db migration", "日本語", "a%b"] {
            assert!(Resource::parse(good).is_ok(), "{good}");
        }
        for bad in ["", " git", "a\u{1b}[2J", "a\nb", "a\u{202e}b", &"x".repeat(201)] {
            assert!(Resource::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_shows_itself_prints_and_nothing_else() {
        for c in "a ~é日本語😀€√ア़\u{301}\u{200c}\u{200d}\u{fe0f}\u{1f1e6}\u{00a0}".chars() {
            assert!(is_printable(c), "U+{:04X}", u32::from(c));
        }
        for c in [
            '\0',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{9b}',
            '\u{ad}',
            '\u{34f}',
            '\u{61c}',
            '\u{115f}',
            '\u{17b5}',
            '\u{180e}',
            '\u{180f}',
            '\u{200b}',
            '\u{202e}',
            '\u{2028}',
            '\u{2029}',
            '\u{2060}',
            '\u{2069}',
            '\u{3164}',
            '\u{e000}',
            '\u{fdd0}',
            '\u{fe00}',
            '\u{feff}',
            '\u{ffa0}',
            '\u{fff9}',
            '\u{fffe}',
            '\u{1d173}',
            '\u{e0001}',
            '\u{e0041}',
            '\u{e01ef}',
            '\u{10ffff}',
        ] {
            assert!(!is_printable(c), "U+{:04X}", u32::from(c));
        }
        for blank in ["", " ", "\u{2800}", "\u{3164}\u{200d}", "\u{a0}\u{fe0f}"] {
            assert!(is_blank(blank), "{blank:?}");
        }
        assert!(!is_blank("\u{200d}a"));
        // A lock that was taken under such a name can be released.
        assert!(Resource::parse("a\u{e0041}").is_ok());
    }
}
