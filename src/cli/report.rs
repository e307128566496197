//! What a command answers, and the one place that prints.

use std::io::{self, IsTerminal, Write as _};

use serde::Serialize;
use serde_json::Value;

use crate::model::{Code, Refusal};
use crate::views::json;

use super::args::Color;
use crate::views::render::STYLE_START;

/// The answer of a command: data for stdout, remarks for stderr, an exit code.
#[derive(Default)]
pub struct Report {
    /// The one document of `--json`.
    pub json: Value,
    /// The same for people.
    pub text: String,
    /// In the place of these two: an answer that is long, written out only in the form that is printed.
    long: Option<Box<dyn Long>>,
    /// A sentence each.
    pub remarks: Vec<String>,
    /// 0 unless the answer is negative.
    pub exit: u8,
}

impl Report {
    /// A positive answer.
    pub fn new(json: &impl Serialize, text: impl Into<String>) -> Self {
        let json = serde_json::to_value(json).unwrap_or_default();
        Self { json, text: text.into(), ..Self::default() }
    }

    /// A positive answer that may be long.
    pub fn long<T: Serialize + 'static>(document: T, text: impl Fn(&T) -> String + 'static) -> Self {
        Self { long: Some(Box::new((document, text))), ..Self::default() }
    }

    /// Lines, each of them JSON, that are printed as they come: as they are, or as one array.
    pub fn lines(each: impl Fn(&mut dyn FnMut(String) -> bool) -> Result<(), Refusal> + 'static) -> Self {
        Self { long: Some(Box::new(Lines(each))), ..Self::default() }
    }

    /// A negative answer: a result and no error.
    pub fn negative(json: &impl Serialize, text: impl Into<String>) -> Self {
        Self { exit: 1, ..Self::new(json, text) }
    }

    /// Its one document.
    pub fn document(self) -> Result<Value, Refusal> {
        let Some(long) = &self.long else { return Ok(self.json) };
        let mut bytes = Vec::new();
        let failed = |error: &dyn std::fmt::Display| Refusal::new(Code::Internal, error.to_string());
        long.write(true, &mut bytes)?.map_err(|error| failed(&error))?;
        serde_json::from_slice(&bytes).map_err(|error| failed(&error))
    }

    /// The same with another exit code.
    #[must_use]
    pub fn exit(self, exit: u8) -> Self {
        Self { exit, ..self }
    }

    /// The same with remarks.
    #[must_use]
    pub fn remarks(mut self, remarks: impl IntoIterator<Item = String>) -> Self {
        self.remarks.extend(remarks);
        self
    }
}

trait Long {
    /// Writes it, as JSON or as text.
    fn write(&self, is_json: bool, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal>;
}

impl<T: Serialize, F: Fn(&T) -> String> Long for (T, F) {
    fn write(&self, is_json: bool, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal> {
        let text =
            if is_json { json::for_terminal(json::pretty(&self.0)) } else { visible(&self.1(&self.0)) };
        Ok(out.write_all(whole_lines(text).as_bytes()))
    }
}

struct Lines<F>(F);

impl<F: Fn(&mut dyn FnMut(String) -> bool) -> Result<(), Refusal>> Long for Lines<F> {
    fn write(&self, is_json: bool, out: &mut dyn io::Write) -> Result<io::Result<()>, Refusal> {
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
                writeln!(out, "{}", visible(&line))
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
fn whole_lines(mut text: String) -> String {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    text
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
    /// Whether stdout gets colour.
    pub fn is_colored(self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let is_refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal()
                    && !is_refused
                    && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
            }
        }
    }

    /// Prints an answer; its exit code. A closed pipe is the reader's decision and no failure.
    pub fn print(self, report: &Report) -> u8 {
        let mut out = io::stdout().lock();
        let written = match &report.long {
            Some(long) => match long.write(self.json, &mut out) {
                Ok(written) => written,
                Err(refusal) => return self.fail(&refusal),
            },
            None if self.json => out.write_all(json::for_terminal(json::pretty(&report.json)).as_bytes()),
            None => out.write_all(whole_lines(visible(&report.text)).as_bytes()),
        };
        if let Err(error) = written.and_then(|()| out.flush())
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            return self
                .fail(&Refusal::new(Code::Unreadable, format!("the answer could not be printed: {error}")));
        }
        if !self.quiet {
            let mut err = io::stderr().lock();
            for remark in &report.remarks {
                let _nobody_reads = writeln!(err, "note: {}", visible(remark));
            }
        }
        report.exit
    }

    /// Prints a refusal; its exit code.
    pub fn fail(self, refusal: &Refusal) -> u8 {
        let text = if self.json {
            let error = serde_json::json!({"error": {
                "code": refusal.code.word(),
                "message": refusal.message,
                "hint": refusal.hint,
                "retryable": refusal.code.is_retryable(),
            }});
            json::for_terminal(json::pretty(&error))
        } else {
            let hint = refusal.hint.as_ref().map(|hint| format!("\nhint: {}\n", visible(hint)));
            format!("error: {}\n{}", visible(&refusal.message), hint.unwrap_or_default())
        };
        let _nobody_reads = io::stderr().lock().write_all(text.as_bytes());
        refusal.code.exit()
    }
}

/// Text for a terminal: what does not print is escaped, but for line breaks, tabs, and our own colours.
fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '\n' | '\t' => out.push(c),
            STYLE_START if is_style(rest.as_str()) => out.push('\u{1b}'),
            STYLE_START => {}
            c if crate::model::is_printable(c) => out.push(c),
            c => out.extend(c.escape_default()),
        }
    }
    out
}

/// Whether `[…m` follows: nothing but a colour can be made of it, whoever wrote it.
fn is_style(rest: &str) -> bool {
    let Some(code) = rest.strip_prefix('[').and_then(|rest| rest.split_once('m')) else { return false };
    code.0.len() <= 4 && code.0.bytes().all(|b| b.is_ascii_digit() || b == b';')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_controls_the_terminal() {
        assert_eq!(visible("a\u{1b}[2Jb\u{202e}\r\n\t"), "a\\u{1b}[2Jb\\u{202e}\\r\n\t");
        assert_eq!(visible("\u{fdd0}[2J\u{fdd0}[31mx"), "[2J\u{1b}[31mx");
    }
}
