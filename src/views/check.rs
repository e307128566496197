//! What a check of a board found: for people, for programs, as workflow commands of GitHub, as SARIF 2.1.0.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Flaw, Severity};
use crate::{add, text};

use super::style::{Text, escaped, red, yellow};
use super::words::count;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlawDocument {
    /// How bad.
    pub severity: Severity,
    /// One word for programs.
    pub code: String,
    /// From the repository's root.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence.
    pub what: String,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// What was checked, as people call it.
    pub board: String,
    /// Its commit, 40 hex digits.
    pub commit: String,
    /// What it was compared with; `null` where it was looked at alone.
    pub base: Option<String>,
    /// How many errors.
    pub errors: usize,
    /// How many warnings.
    pub warnings: usize,
    /// By path.
    pub flaws: Vec<FlawDocument>,
    /// What could not be looked at, a sentence each.
    pub unseen: Vec<String>,
}

/// The document of a check.
pub fn checked(
    board: &str,
    commit: &str,
    base: Option<&str>,
    flaws: &[Flaw],
    unseen: Vec<String>,
) -> Checked {
    let number = |severity| flaws.iter().filter(|flaw| flaw.severity == severity).count();
    let document = |flaw: &Flaw| FlawDocument {
        severity: flaw.severity,
        code: flaw.code.to_owned(),
        path: flaw.path.clone(),
        line: flaw.line,
        column: flaw.column,
        what: flaw.what.clone(),
    };
    Checked {
        board: board.to_owned(),
        commit: commit.to_owned(),
        base: base.map(str::to_owned),
        errors: number(Severity::Error),
        warnings: number(Severity::Warning),
        flaws: flaws.iter().map(document).collect(),
        unseen,
    }
}

/// `path:line:column: code: sentence`, and the sum.
pub fn text(checked: &Checked) -> Text {
    let mut out = Text::default();
    for flaw in &checked.flaws {
        let code = match flaw.severity {
            Severity::Error => red(&flaw.code),
            milder => text![milder.word(), ": ", yellow(&flaw.code)],
        };
        add!(out, flaw.path, ":", flaw.line, ":", flaw.column, ": ", code, ": ", flaw.what, "\n");
    }
    let commit = checked.commit.get(..7).unwrap_or(&checked.commit);
    let sum = match (checked.errors, checked.warnings) {
        (0, 0) => "nothing is wrong".to_owned(),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    };
    add!(out, checked.board, " (", commit, "): ", sum, "\n");
    out
}

/// What ends or splits a message of a workflow command.
fn github_message(text: &str) -> String {
    escaped(text).replace('%', "%25")
}

/// What ends or splits a property of a workflow command.
fn github_property(text: &str) -> String {
    github_message(text).replace(':', "%3A").replace(',', "%2C")
}

/// Workflow commands: each flaw shows at its line in the pull request. No text can begin another command: each stands
/// on one line, behind one.
pub fn github(checked: &Checked) -> Text {
    let mut out = Text::default();
    for flaw in &checked.flaws {
        let word = match flaw.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "notice",
        };
        let title = github_property(&format!("orchestrator: {}", flaw.code));
        add!(
            out,
            "::",
            word,
            " file=",
            github_property(&flaw.path),
            ",line=",
            flaw.line,
            ",col=",
            flaw.column
        );
        add!(out, ",title=", title, "::", github_message(&flaw.what), "\n");
    }
    for what in &checked.unseen {
        add!(out, "::notice::", github_message(what), "\n");
    }
    out
}

/// What a path may not hold in a URI.
const NOT_IN_URI: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}')
    .add(b':');

/// A log in the Static Analysis Results Interchange Format, version 2.1.0.
pub fn sarif(checked: &Checked) -> Value {
    let mut rules: Vec<&str> = checked.flaws.iter().map(|flaw| flaw.code.as_str()).collect();
    rules.sort_unstable();
    rules.dedup();
    let result = |flaw: &FlawDocument| {
        json!({
            "ruleId": flaw.code,
            "ruleIndex": rules.iter().position(|rule| *rule == flaw.code),
            "level": flaw.severity,
            "message": {"text": flaw.what},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": utf8_percent_encode(&flaw.path, NOT_IN_URI).to_string()},
                "region": {"startLine": flaw.line, "startColumn": flaw.column},
            }}],
        })
    };
    let notes = checked.unseen.iter().map(|what| json!({"level": "note", "message": {"text": what}}));
    let notes: Vec<Value> = notes.collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "orchestrator",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.iter().map(|rule| json!({"id": rule})).collect::<Vec<Value>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "results": checked.flaws.iter().map(result).collect::<Vec<Value>>(),
        }],
    })
}
