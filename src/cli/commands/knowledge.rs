//! `knowledge …`

use crate::cli::args::knowledge::{self as args, Knowledge as Args};
use crate::cli::report::{Body, Report};
use crate::engine::bounded;
use crate::model::{Code, Refusal, Topic};
use crate::ops::knowledge::{Delete, Deleted, Write};
use crate::text;
use crate::views::document::KnowledgeDocument;
use crate::views::search;
use crate::views::style::{Text, bold};

use super::App;

/// The most bytes of a document, as its operation asks; no more is read.
const LONGEST: usize = crate::ops::LONGEST_TEXT;

pub fn run(app: &App, args: Args) -> Result<Report, Refusal> {
    match args {
        Args::Write(args::Write { topic, content, file }) => {
            let topic = Topic::parse(&topic)?;
            let content = match (&file, content.as_slice()) {
                (Some(path), _) => {
                    let path = app.options().start.join(path);
                    let read = std::fs::File::open(&path).and_then(|file| bounded::text(file, LONGEST));
                    read.map_err(|error| {
                        Refusal::new(Code::Invalid, format!("`{}`: {error}", path.display()))
                    })?
                }
                (None, [dash]) if dash == "-" => bounded::text(std::io::stdin(), LONGEST)
                    .map_err(|error| Refusal::new(Code::Invalid, format!("standard input: {error}")))?,
                (None, []) => {
                    return Err(Refusal::new(Code::Usage, "nothing to write")
                        .hint(format!("orchestrator kb write {topic} \"<content>\"")));
                }
                (None, words) => words.join(" "),
            };
            let done = app.board()?.run(&Write { topic, content })?;
            let text = format!("Wrote knowledge: {}", done.outcome.topic);
            Ok(Report::new(&KnowledgeDocument::of(&done.outcome), text).after(&done))
        }
        Args::Read(args::One { topic }) => {
            let topic = Topic::parse(&topic)?;
            let (found, unread) = app.board()?.read_knowledge(&topic)?.parts();
            let report = match found {
                Some(found) => Report::new(&found, Body::Stored(found.content.clone())),
                None => Report::negative(&serde_json::Value::Null, format!("(no knowledge on \"{topic}\")")),
            };
            Ok(report.unread(unread))
        }
        Args::List => {
            let (list, unread) = app.board()?.list_knowledge()?.parts();
            let text: Text = list.iter().map(|entry| text![entry.topic, "\n"]).collect();
            let text = if text.is_empty() { text!["(empty)"] } else { text };
            Ok(Report::new(&list, text).unread(unread))
        }
        Args::Delete(args::One { topic }) => {
            let topic = Topic::parse(&topic)?;
            let done = app.board()?.run(&Delete { topic: topic.clone() })?;
            let json = |deleted: bool| serde_json::json!({"deleted": deleted});
            Ok(match done.outcome {
                Deleted::Yes => Report::new(&json(true), format!("Deleted knowledge: {topic}")),
                Deleted::WasNot => Report::negative(&json(false), format!("(no knowledge on \"{topic}\")")),
            }
            .after(&done))
        }
        Args::Search(args::Search { words }) => {
            let words = words.join(" ");
            let (found, unread) = app.board()?.read(|view| Ok(search::search(view, &words)?))?.parts();
            let text: Text = found
                .iter()
                .map(|hit| text![bold(&hit.topic), ":", hit.line, ": ", hit.text, "\n"])
                .collect();
            let report = if found.is_empty() {
                Report::negative(&found, "(nothing found)")
            } else {
                Report::new(&found, text)
            };
            Ok(report.unread(unread))
        }
    }
}
