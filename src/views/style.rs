//! Text for people: styles are values, and data is data until it is printed.
//!
//! A [`Text`] is made of literals of the program and of data. What does not print is escaped in data the moment it
//! enters (`\n`, `\u{1b}`), so no data can break a line, forge one, or reach a terminal; what prints stands as it is.
//! Line breaks come from literals alone, and from the layouts that take several lines of data: [`Text::block`] and
//! [`Text::page`]. Styles are kept beside the characters: the printer writes them where a terminal wants them.
//!
//! ```
//! use orchestrator::text;
//! use orchestrator::views::style::bold;
//!
//! let title = "Pay\nhint: rm -rf /\u{1b}[2J";
//! let line = text!["  ", bold("299833bc"), "  ", title, "\n"];
//! assert_eq!(line.plain(), "  299833bc  Pay\\nhint: rm -rf /\\u{1b}[2J\n");
//! assert_eq!(line.colored(), "  \u{1b}[1m299833bc\u{1b}[0m  Pay\\nhint: rm -rf /\\u{1b}[2J\n");
//! ```

use std::fmt::{self, Display, Write as _};
use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::model::is_printable;

/// How something is shown, where colour is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A heading, an id.
    Bold,
    /// What matters less.
    Dim,
    /// What is well.
    Green,
    /// What is under way.
    Yellow,
    /// What needs somebody.
    Red,
}

impl Style {
    /// The parameter of the terminal's sequence.
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Green => "32",
            Self::Yellow => "33",
        }
    }
}

/// Printable text in lines, some of it styled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    plain: String,
    styles: Vec<(Range<usize>, Style)>,
}

/// What a [`Text`] is put together from: other texts, and data. Anything that has a [`Display`] is data.
pub trait Part {
    /// Appends it.
    fn add_to(&self, text: &mut Text);
}

impl<T: Display + ?Sized> Part for T {
    fn add_to(&self, text: &mut Text) {
        // Writing into a string does not fail; a `Display` that does has nothing more to say.
        let _complete = write!(Data(&mut text.plain), "{self}");
    }
}

impl Part for Text {
    fn add_to(&self, text: &mut Text) {
        let at = text.plain.len();
        text.plain.push_str(&self.plain);
        text.styles
            .extend(self.styles.iter().map(|(range, style)| (range.start + at..range.end + at, *style)));
    }
}

impl Part for &Text {
    fn add_to(&self, text: &mut Text) {
        (**self).add_to(text);
    }
}

/// A text put together from parts: string literals stand as they are, line breaks included; everything else is a
/// `Part`, so data is escaped.
#[macro_export]
macro_rules! text {
    () => { $crate::views::style::Text::default() };
    ($($parts:tt)+) => {{
        let mut text = $crate::views::style::Text::default();
        $crate::add!(text, $($parts)+);
        text
    }};
}

/// Appends parts to a text, as `text!` takes them.
#[macro_export]
macro_rules! add {
    ($text:expr, $literal:literal) => { $text.ours($literal) };
    ($text:expr, $literal:literal, $($rest:tt)*) => {{ $text.ours($literal); $crate::add!($text, $($rest)*) }};
    ($text:expr, $part:expr) => { $crate::views::style::Part::add_to(&$part, &mut $text) };
    ($text:expr, $part:expr, $($rest:tt)*) => {{
        $crate::views::style::Part::add_to(&$part, &mut $text);
        $crate::add!($text, $($rest)*)
    }};
    ($text:expr,) => {};
}

impl Text {
    /// Data on one line.
    pub fn data(data: impl Part) -> Self {
        let mut text = Self::default();
        data.add_to(&mut text);
        text
    }

    /// Several lines of data, each on a line of its own behind `indent`. Tabs stay.
    pub fn block(indent: &'static str, data: &str) -> Self {
        let mut text = Self::default();
        for line in data.lines() {
            text.ours(indent);
            text.plain.extend(Escaped::of(line, Keep::Tabs));
            text.ours("\n");
        }
        text
    }

    /// A page whose whole layout is that of whoever made it: line breaks and tabs stay, the rest is escaped.
    pub fn page(page: &str) -> Self {
        Self { plain: Escaped::of(page, Keep::Lines).collect(), styles: Vec::new() }
    }

    /// Words of the program.
    pub fn ours(&mut self, words: &'static str) {
        self.plain.push_str(words);
    }

    /// The same in a style, which replaces those it had.
    #[must_use]
    pub fn styled(self, style: Style) -> Self {
        let whole = 0..self.plain.len();
        Self { styles: vec![(whole, style)], ..self }
    }

    /// The same without blanks and line breaks at its end.
    #[must_use]
    pub fn trimmed(mut self) -> Self {
        let end = self.plain.trim_end().len();
        self.plain.truncate(end);
        for (range, _) in &mut self.styles {
            *range = range.start.min(end)..range.end.min(end);
        }
        self
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// Its width on a terminal, in columns.
    pub fn width(&self) -> usize {
        self.plain.width()
    }

    /// Its characters, without styles. All of them print, but for line breaks and tabs.
    pub fn plain(&self) -> &str {
        &self.plain
    }

    /// The same with the sequences of a terminal around what is styled.
    pub fn colored(&self) -> String {
        let mut out = String::with_capacity(self.plain.len() + 10 * self.styles.len());
        let mut at = 0;
        for (range, style) in self.styles.iter().filter(|(range, _)| !range.is_empty()) {
            out.push_str(&self.plain[at..range.start]);
            let _infallible = write!(out, "\u{1b}[{}m{}\u{1b}[0m", style.code(), &self.plain[range.clone()]);
            at = range.end;
        }
        out.push_str(&self.plain[at..]);
        out
    }
}

impl From<&str> for Text {
    fn from(data: &str) -> Self {
        Self::data(data)
    }
}

impl From<String> for Text {
    fn from(data: String) -> Self {
        Self::data(data)
    }
}

impl<P: Part> FromIterator<P> for Text {
    fn from_iter<I: IntoIterator<Item = P>>(parts: I) -> Self {
        let mut text = Self::default();
        text.extend(parts);
        text
    }
}

impl<P: Part> Extend<P> for Text {
    fn extend<I: IntoIterator<Item = P>>(&mut self, parts: I) {
        parts.into_iter().for_each(|part| part.add_to(self));
    }
}

/// Parts with words of the program between them.
pub fn joined<P: Part>(parts: impl IntoIterator<Item = P>, between: &'static str) -> Text {
    let mut text = Text::default();
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            text.ours(between);
        }
        part.add_to(&mut text);
    }
    text
}

/// A heading, an id.
pub fn bold(part: impl Part) -> Text {
    Text::data(part).styled(Style::Bold)
}

/// What matters less.
pub fn dim(part: impl Part) -> Text {
    Text::data(part).styled(Style::Dim)
}

/// What is well.
pub fn green(part: impl Part) -> Text {
    Text::data(part).styled(Style::Green)
}

/// What is under way.
pub fn yellow(part: impl Part) -> Text {
    Text::data(part).styled(Style::Yellow)
}

/// What needs somebody.
pub fn red(part: impl Part) -> Text {
    Text::data(part).styled(Style::Red)
}

/// Data in exactly `width` columns: cut with `…`, or filled with blanks.
pub fn cell(data: &str, width: usize) -> Text {
    let mut text = at_most(data, width);
    let fill = width.saturating_sub(text.width());
    text.plain.extend(std::iter::repeat_n(' ', fill));
    text
}

/// Data in at most `width` columns, cut with `…`. What is escaped is never cut in its middle.
pub fn at_most(data: &str, width: usize) -> Text {
    let mut plain = String::new();
    // How much of it leaves a column for the sign, and how wide that is.
    let (mut kept, mut used) = (0, 0);
    for c in data.chars() {
        if is_printable(c) {
            plain.push(c);
            // A selector of the emoji's form may make the character before it wider.
            used += if c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) };
        } else {
            let before = plain.len();
            plain.extend(c.escape_default());
            used += plain.len() - before;
        }
        if used < width {
            kept = plain.len();
        } else if used > width {
            plain.truncate(kept);
            if width > 0 {
                plain.push('…');
            }
            break;
        }
    }
    Text { plain, styles: Vec::new() }
}

/// Text on one line in which what does not print is escaped; what prints stands as it is.
pub fn escaped(data: &str) -> String {
    Escaped::of(data, Keep::Nothing).collect()
}

/// Lines of text in which what does not print is escaped, but for line breaks and tabs.
pub fn escaped_lines(data: &str) -> String {
    Escaped::of(data, Keep::Lines).collect()
}

/// Which characters that do not print stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Nothing,
    Tabs,
    Lines,
}

/// The characters of an escaped text, as slices.
struct Escaped;

impl Escaped {
    fn of(data: &str, keep: Keep) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
        let mut rest = data;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let stays = |c: char| {
                is_printable(c) || c == '\t' && keep != Keep::Nothing || c == '\n' && keep == Keep::Lines
            };
            let end = rest.find(|c: char| !stays(c)).unwrap_or(rest.len());
            let (plain, after) = rest.split_at(end);
            if !plain.is_empty() {
                rest = after;
                return Some(std::borrow::Cow::Borrowed(plain));
            }
            let mut chars = after.chars();
            let hidden = chars.next()?;
            rest = chars.as_str();
            Some(std::borrow::Cow::Owned(hidden.escape_default().to_string()))
        })
    }
}

/// Escapes what is written to it.
struct Data<'a>(&'a mut String);

impl fmt::Write for Data<'_> {
    fn write_str(&mut self, data: &str) -> fmt::Result {
        self.0.extend(Escaped::of(data, Keep::Nothing));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_data_breaks_a_line_or_reaches_a_terminal() {
        let hostile = "a\u{1b}[2Jb\u{202e}\r\n\t\u{fdd0}[31mc\u{85}d\u{2028}";
        let shown = "a\\u{1b}[2Jb\\u{202e}\\r\\n\\t\\u{fdd0}[31mc\\u{85}d\\u{2028}";
        assert_eq!(text!["x ", hostile, " y\n"].plain(), format!("x {shown} y\n"));
        assert_eq!(bold(hostile).colored(), format!("\u{1b}[1m{shown}\u{1b}[0m"));
        assert_eq!(Text::from(hostile).plain(), shown);
        assert_eq!(escaped(hostile), shown);
        assert_eq!(Text::block("  ", "a\tb\r\nc\u{1b}\rd").plain(), "  a\tb\n  c\\u{1b}\\rd\n");
        assert_eq!(Text::page("# a\n\tb\u{1b}").plain(), "# a\n\tb\\u{1b}");
    }

    #[test]
    fn what_prints_stands_as_it_is() {
        let plain = r#"it's "quoted" \n, ünïcode 日本語 👨‍👩‍👧 e\u{301} [31m"#;
        assert_eq!(Text::from(plain).plain(), plain);
    }

    #[test]
    fn styles_move_with_their_text() {
        let inner = text!["a", red("b")];
        let line = text!["<", inner, ">", green(""), dim("c"), "  \n"];
        assert_eq!(line.plain(), "<ab>c  \n");
        assert_eq!(line.colored(), "<a\u{1b}[31mb\u{1b}[0m>\u{1b}[2mc\u{1b}[0m  \n");
        assert_eq!(line.trimmed().colored(), "<a\u{1b}[31mb\u{1b}[0m>\u{1b}[2mc\u{1b}[0m");
        assert_eq!(joined(["a", "b\n"], "\n").plain(), "a\nb\\n");
    }

    #[test]
    fn cells_have_their_width_whatever_is_in_them() {
        for data in [
            "",
            "short",
            "much too long for it",
            "日本語テキスト",
            "a\nb",
            "a\u{1b}\u{1b}",
            "e\u{301}e\u{301}",
            "☎\u{fe0f}☎\u{fe0f}☎\u{fe0f}☎\u{fe0f}☎",
        ] {
            assert_eq!(cell(data, 8).width(), 8, "{data}");
        }
        assert_eq!(cell("a\u{1b}[2J\u{1b}b", 12).plain(), "a\\u{1b}[2J… ");
        assert_eq!(at_most("12345678", 8).plain(), "12345678");
        assert_eq!(at_most("123456789", 8).plain(), "1234567…");
        assert_eq!(at_most("a", 0).plain(), "");
    }
}
