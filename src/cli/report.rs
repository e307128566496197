//! What a command answers, and the one place that prints.
//!
//! An answer is composed by the program ([`Text`]), or it is a document that somebody stored ([`Body::Stored`]): that
//! one reaches a pipe or a file byte for byte, and a terminal with what does not print escaped.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write as _};

use serde::Serialize;
use serde_json::Value;

use crate::engine::Done;
use crate::model::{Code, Refusal, Unread};
use crate::views::json;
use crate::views::status::DamageDocument;
use crate::views::style::{Text, escaped, escaped_lines};

use super::args::Color;

/// What people read.
pub enum Body {
    /// Composed by the program: the same characters wherever it goes.
    Text(Text),
    /// A document as it was stored.
    Stored(String),
    /// A document as it was stored, which is JSON.
    Json(String),
}

impl Default for Body {
    fn default() -> Self {
        Self::Text(Text::default())
    }
}

impl<T: Into<Text>> From<T> for Body {
    fn from(text: T) -> Self {
        Self::Text(text.into())
    }
}

/// What a stream can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stream {
    is_terminal: bool,
    is_colored: bool,
}

impl Body {
    /// What is written to such a stream.
    fn shown(&self, to: Stream) -> Cow<'_, str> {
        match self {
            Self::Text(text) if to.is_colored => whole_lines(Cow::Owned(text.colored())),
            Self::Text(text) => whole_lines(Cow::Borrowed(text.plain())),
            Self::Stored(text) if to.is_terminal => whole_lines(Cow::Owned(escaped_lines(text))),
            Self::Json(text) if to.is_terminal => whole_lines(Cow::Owned(json::for_terminal(text.clone()))),
            Self::Stored(text) | Self::Json(text) => Cow::Borrowed(text),
        }
    }
}

/// The answer of a command: data for stdout, remarks for stderr, an exit code.
#[derive(Default)]
pub struct Report {
    /// The one document of `--json`.
    pub json: Value,
    /// The same for people.
    pub body: Body,
    /// In the place of these two: an answer that is long, written out only in the form that is printed.
    long: Option<Box<dyn Long>>,
    /// A sentence each.
    pub remarks: Vec<String>,
    /// What the answer is without, since it could not be read.
    unread: Unread,
    /// 0 unless the answer is negative.
    pub exit: u8,
    /// What was changed, for whoever could not be given the answer: `commit 41be77a`.
    changed: Option<String>,
}

impl Report {
    /// A positive answer.
    pub fn new(json: &impl Serialize, body: impl Into<Body>) -> Self {
        let json = serde_json::to_value(json).unwrap_or_default();
        Self { json, body: body.into(), ..Self::default() }
    }

    /// A positive answer that may be long.
    pub fn long<T: Serialize + 'static, B: Into<Body>>(
        document: T,
        body: impl Fn(&T) -> B + 'static,
    ) -> Self {
        let body = move |document: &T| body(document).into();
        Self { long: Some(Box::new((document, body))), ..Self::default() }
    }

    /// Lines, each of them JSON, that are printed as they come: as they are, or as one array.
    pub fn lines(each: impl Fn(&mut dyn FnMut(String) -> bool) -> Result<(), Refusal> + 'static) -> Self {
        Self { long: Some(Box::new(Lines(each))), ..Self::default() }
    }

    /// A negative answer: a result and no error.
    pub fn negative(json: &impl Serialize, body: impl Into<Body>) -> Self {
        Self { exit: 1, ..Self::new(json, body) }
    }

    /// Its one document.
    pub fn document(self) -> Result<Value, Refusal> {
        let Some(long) = &self.long else { return Ok(self.json) };
        let mut bytes = Vec::new();
        let failed = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error.to_string());
        let to = Stream { is_terminal: false, is_colored: false };
        long.write(true, to, &mut bytes)?.map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }

    /// The first line for people.
    pub fn first_line(&self) -> String {
        let to = Stream { is_terminal: true, is_colored: false };
        self.body.shown(to).lines().next().unwrap_or_default().to_owned()
    }

    /// More for people, where the answer is composed.
    pub fn add(&mut self, more: &Text) {
        if let Body::Text(text) = &mut self.body {
            text.extend([more]);
        }
    }

    /// The same with another exit code.
    #[must_use]
    pub fn exit(self, exit: u8) -> Self {
        Self { exit, ..self }
    }

    /// The same, told to be without what is unread; where there is such, the exit code says so, whatever the answer is.
    #[must_use]
    pub fn unread(mut self, unread: Unread) -> Self {
        self.unread.extend(unread.into_damage());
        self
    }

    /// The refusal that goes with an answer of which something could not be read.
    pub fn damage(&self) -> Option<Refusal> {
        (!self.unread.is_empty()).then(|| Refusal::damaged(self.unread.clone()))
    }

    /// The same with remarks.
    #[must_use]
    pub fn remarks(mut self, remarks: impl IntoIterator<Item = String>) -> Self {
        self.remarks.extend(remarks);
        self
    }

    /// The same as the answer to a change: with what that remarks, and its commit.
    #[must_use]
    pub fn after<O>(self, done: &Done<O>) -> Self {
        let commit =
            done.commit.as_deref().map(|commit| format!("commit {}", commit.get(..7).unwrap_or(commit)));
        let changed = self.changed.clone().or(commit);
        Self { changed, ..self.remarks(done.remarks.iter().cloned()) }
    }

    /// The same as the answer to a change that is no commit on the board.
    #[must_use]
    pub fn changed(self, what: impl Into<String>) -> Self {
        Self { changed: Some(what.into()), ..self }
    }
}

trait Long {
    /// Writes it, as JSON or as text.
    fn write(&self, is_json: bool, to: Stream, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal>;
}

impl<T: Serialize, F: Fn(&T) -> Body> Long for (T, F) {
    fn write(&self, is_json: bool, to: Stream, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal> {
        Ok(if is_json {
            out.write_all(json::for_terminal(json::pretty(&self.0)).as_bytes())
        } else {
            out.write_all(self.1(&self.0).shown(to).as_bytes())
        })
    }
}

struct Lines<F>(F);

impl<F: Fn(&mut dyn FnMut(String) -> bool) -> Result<(), Refusal>> Long for Lines<F> {
    fn write(&self, is_json: bool, to: Stream, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal> {
        let mut out = io::BufWriter::new(out);
        let mut written = Ok(());
        let mut before = "[\n";
        (self.0)(&mut |line| {
            written = if is_json {
                let value = serde_json::from_str::<Value>(&line).unwrap_or_default();
                let text = json::for_terminal(json::pretty(&value));
                let indented = text.trim_end().replace('\n', "\n  ");
                write!(out, "{before}  {indented}")
            } else {
                let line = if to.is_terminal { json::for_terminal(line) } else { line };
                writeln!(out, "{line}")
            };
            before = ",\n";
            written.is_ok()
        })?;
        if is_json {
            let end = if before == "[\n" { "[]\n" } else { "\n]\n" };
            written = written.and_then(|()| out.write_all(end.as_bytes()));
        }
        Ok(written.and_then(|()| out.flush()))
    }
}

/// Text that ends with a line break, if there is any.
fn whole_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_empty() || text.ends_with('\n') { text } else { Cow::Owned(text.into_owned() + "\n") }
}

/// How things are printed.
#[derive(Clone, Copy, Debug)]
pub struct Printer {
    /// One JSON document instead of text.
    pub json: bool,
    /// When to use colour.
    pub color: Color,
    /// No remarks.
    pub quiet: bool,
}

impl Printer {
    fn stream(self, stream: &impl IsTerminal) -> Stream {
        let is_terminal = stream.is_terminal();
        let is_colored = match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let is_refused =
                    crate::engine::variable_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                is_terminal && !is_refused && crate::engine::variable_os("TERM").is_none_or(|t| t != "dumb")
            }
        };
        Stream { is_terminal, is_colored }
    }

    /// Whether stdout gets colour.
    pub fn is_colored(self) -> bool {
        self.stream(&io::stdout()).is_colored
    }

    /// Prints an answer; its exit code. A closed pipe is the reader's decision and no failure; any other answer that
    /// can't be printed is told, and what was changed all the same.
    pub fn print(self, report: &Report) -> u8 {
        let mut out = io::stdout().lock();
        let to = self.stream(&out);
        let written = match &report.long {
            Some(long) => match long.write(self.json, to, &mut out) {
                Ok(written) => written,
                Err(refusal) => return self.fail(&refusal),
            },
            None if self.json => out.write_all(json::for_terminal(json::pretty(&report.json)).as_bytes()),
            None => out.write_all(report.body.shown(to).as_bytes()),
        };
        if let Err(error) = heard(written.and_then(|()| out.flush())) {
            return self.fail(&unprinted(report.changed.as_deref(), &error));
        }
        if let Some(damage) = report.damage() {
            return self.tell(&damage, &report.remarks);
        }
        match heard(io::stderr().lock().write_all(self.notes(&report.remarks).as_bytes())) {
            Ok(()) => report.exit,
            Err(_) => Code::Unprinted.exit(),
        }
    }

    /// The lines that remarks are.
    fn notes(self, remarks: &[String]) -> String {
        if self.quiet {
            return String::new();
        }
        remarks.iter().map(|remark| format!("note: {}\n", paragraph(remark))).collect()
    }

    /// Prints a refusal; its exit code.
    pub fn fail(self, refusal: &Refusal) -> u8 {
        self.tell(refusal, &[])
    }

    /// Prints a refusal with what there is to remark besides: one document, where JSON is asked for.
    fn tell(self, refusal: &Refusal, remarks: &[String]) -> u8 {
        let text = if self.json {
            let mut error = serde_json::json!({"error": {
                "code": refusal.code.word(),
                "message": refusal.message,
                "hint": refusal.hint,
                "retryable": refusal.code.is_retryable(),
            }});
            if !refusal.damage.is_empty() {
                let places: Vec<DamageDocument> = refusal.damage.iter().map(DamageDocument::of).collect();
                error["error"]["damage"] = serde_json::to_value(places).unwrap_or_default();
            }
            if !remarks.is_empty() {
                error["error"]["notes"] = remarks.into();
            }
            json::for_terminal(json::pretty(&error))
        } else {
            let hint = refusal.hint.as_ref().map(|hint| format!("\nhint: {}\n", paragraph(hint)));
            let errors: String = match refusal.damage.as_slice() {
                // Something besides the place may be said of one.
                [] | [_] => format!("error: {}\n", paragraph(&refusal.message)),
                several => {
                    several.iter().map(|one| format!("error: {}\n", paragraph(&one.to_string()))).collect()
                }
            };
            self.notes(remarks) + &errors + &hint.unwrap_or_default()
        };
        // The exit code says it, where nothing else can.
        let _nobody_reads = io::stderr().lock().write_all(text.as_bytes());
        refusal.code.exit()
    }

    /// Prints help, or the version, as clap made it.
    pub fn help(self, help: &clap::builder::StyledStr) -> u8 {
        let mut out = io::stdout().lock();
        let text = self.clap(help, self.stream(&out));
        match heard(out.write_all(text.as_bytes()).and_then(|()| out.flush())) {
            Ok(()) => 0,
            Err(error) => self.fail(&unprinted(None, &error)),
        }
    }

    /// Prints an error of usage, as clap made it of words in which everything prints.
    pub fn usage(self, error: &clap::builder::StyledStr) -> u8 {
        let mut err = io::stderr().lock();
        let text = self.clap(error, self.stream(&err));
        let _nobody_reads = err.write_all(text.as_bytes());
        Code::Usage.exit()
    }

    fn clap(self, text: &clap::builder::StyledStr, to: Stream) -> String {
        if to.is_colored { text.ansi().to_string() } else { escaped_lines(&text.to_string()) }
    }
}

/// Whether somebody reads: a closed pipe is no failure.
fn heard(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Why an answer is missing, and what was done.
fn unprinted(changed: Option<&str>, error: &io::Error) -> Refusal {
    let message = match changed {
        Some(what) => format!("it is done ({what}), but the answer could not be printed: {error}"),
        None => format!("the answer could not be printed: {error}"),
    };
    Refusal::new(Code::Unprinted, message)
}

/// A sentence, or a list of ours under one: what does not print is escaped. A line may break only where the next
/// one is indented, so that no data in it can begin a line of its own.
fn paragraph(sentence: &str) -> String {
    sentence.split("\n  ").map(escaped).collect::<Vec<_>>().join("\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;
    use crate::views::style::bold;

    const PIPE: Stream = Stream { is_terminal: false, is_colored: false };
    const PLAIN: Stream = Stream { is_terminal: true, is_colored: false };
    const COLORED: Stream = Stream { is_terminal: true, is_colored: true };

    #[test]
    fn a_stored_document_reaches_a_pipe_as_it_is_and_a_terminal_escaped() {
        let stored = "a\u{1b}[2Jb\u{202e}\r\n\t\u{fdd0}[31mc";
        let body = Body::Stored(stored.to_owned());
        assert_eq!(body.shown(PIPE), stored);
        assert_eq!(body.shown(COLORED), "a\\u{1b}[2Jb\\u{202e}\\r\n\t\\u{fdd0}[31mc\n");
        let json = serde_json::json!(stored).to_string();
        let body = Body::Json(json.clone());
        assert_eq!(body.shown(PIPE), json);
        let shown = body.shown(PLAIN);
        assert!(shown.chars().all(|c| c == '\n' || crate::model::is_printable(c)), "{shown}");
        assert_eq!(serde_json::from_str::<Value>(&shown).unwrap(), stored);
    }

    #[test]
    fn composed_text_is_the_same_wherever_it_goes_but_for_colour() {
        let body = Body::from(text![bold("a\u{1b}"), "\n", "b\u{fdd0}[31m\nhint: x".to_owned()]);
        assert_eq!(body.shown(PIPE), "a\\u{1b}\nb\\u{fdd0}[31m\\nhint: x\n");
        assert_eq!(body.shown(PLAIN), body.shown(PIPE));
        assert_eq!(body.shown(COLORED), "\u{1b}[1ma\\u{1b}\u{1b}[0m\nb\\u{fdd0}[31m\\nhint: x\n");
    }

    #[test]
    fn no_data_begins_a_line_of_a_message() {
        assert_eq!(paragraph("a\nhint: b\r\u{1b}"), "a\\nhint: b\\r\\u{1b}");
        assert_eq!(paragraph("2 problems\n  one\n  two"), "2 problems\n  one\n  two");
    }
}
