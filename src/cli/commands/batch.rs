//! `batch`: the words of many commands, run as one.

use std::ffi::OsString;
use std::io;
use std::rc::Rc;

use serde_json::Value;

use crate::cli::args::agent::Agent;
use crate::cli::args::knowledge::Knowledge;
use crate::cli::args::lock::Lock;
use crate::cli::args::{Cli, Command};
use crate::cli::parsed;
use crate::cli::report::Report;
use crate::cli::usage;
use crate::engine::{Orchestrator, bounded};
use crate::model::{Code, Refusal};
use crate::views::json;

use super::{App, dispatch};

/// The most requests, bytes of one of them, and bytes of all: more would be held in memory and in one commit message.
const MOST: usize = 10_000;
const LONGEST_LINE: usize = 8 << 20;
const LONGEST: usize = 64 << 20;

/// The options of every command that mean something to a batch as a whole, and nothing in one of its requests.
const OF_THE_WHOLE: [(&str, &str); 4] = [
    ("start", "another directory"),
    ("at", "another revision"),
    ("board", "another board"),
    ("timeout", "a timeout of its own"),
];

pub fn run(app: &App) -> Result<Report, Refusal> {
    together(app, &read()?)
}

/// Runs requests, each with its line number, as one.
pub(super) fn together(app: &App, requests: &[(usize, Vec<String>)]) -> Result<Report, Refusal> {
    // What can't be understood is told before anything is asked of the board. A reference to an earlier line may
    // stand anywhere, so it is understood only when that line is done.
    let last = requests.last().map_or(0, |(line, _)| *line);
    for (line, words) in requests {
        let checked = understood(words).and_then(|_| {
            let known = |other: usize| requests.binary_search_by_key(&other, |(line, _)| *line).is_ok();
            words.iter().try_for_each(|word| check_reference(word, *line, last, known))
        });
        checked.map_err(|refusal| at_line(*line, refusal))?;
    }
    let board = app.board()?;
    let done = board.together(|board| {
        let mut answers: Vec<(usize, Value)> = Vec::with_capacity(requests.len());
        for (line, words) in requests {
            let words: Result<Vec<String>, Refusal> =
                words.iter().map(|word| referring(word, &answers)).collect();
            let answer = words.and_then(|words| one(app, board, &words));
            let answer = answer.map_err(|refusal| at_line(*line, refusal))?;
            answers.push((*line, answer));
        }
        Ok(answers
            .into_iter()
            .map(|(_, answer)| json::for_terminal(json::line(&answer)))
            .collect::<Vec<String>>())
    })?;
    let lines = done.outcome.clone();
    let each = move |take: &mut dyn FnMut(String) -> bool| {
        let _until_nobody_reads = lines.iter().all(|line| take(line.clone()));
        Ok(())
    };
    Ok(Report::lines(each).after(&done))
}

/// The requests with their line numbers; empty lines are none. No more is read than a batch can have.
fn read() -> Result<Vec<(usize, Vec<String>)>, Refusal> {
    let mut lines = bounded::Lines::new(io::stdin().lock(), LONGEST_LINE, LONGEST);
    let mut requests = Vec::new();
    let mut at = 0;
    loop {
        at += 1;
        let line = match lines.next_line() {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(requests),
            Err(error) => {
                let refusal = Refusal::new(Code::Usage, format!("standard input {error}"));
                let is_long = error.kind() == io::ErrorKind::FileTooLarge;
                let hint =
                    if is_long { "split it into several batches" } else { "orchestrator batch --help" };
                return Err(at_line(at, refusal.hint(hint)));
            }
        };
        // Some shells begin what they pipe with it.
        let line = if at == 1 { line.trim_start_matches('\u{feff}') } else { &line };
        if line.trim().is_empty() {
            continue;
        }
        if requests.len() == MOST {
            let refusal = Refusal::new(Code::Usage, format!("a batch has at most {MOST} requests"));
            return Err(at_line(at, refusal.hint("split them into several batches")));
        }
        let words = serde_json::from_str(line).map_err(|error| {
            // Its line is always the first one, and another one is named.
            let place = format!(" at line {} column {}", error.line(), error.column());
            let error = error.to_string().replace(&place, &format!(" at column {}", error.column()));
            let why = format!("no JSON array of words: {error}");
            at_line(at, Refusal::new(Code::Usage, why).hint(r#"["task", "add", "<ws>", "<title>"]"#))
        })?;
        requests.push((at, words));
    }
}

/// What stands for an id: a whole word, or what follows the `=` of an option.
fn reference(word: &str) -> Option<(&str, &str)> {
    let (before, reference) = match word.split_once('=') {
        Some((option, rest)) if option.starts_with("--") => (&word[..=option.len()], rest),
        _ => ("", word),
    };
    let digits = reference.strip_prefix('@')?.trim_start_matches('@');
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some((before, reference))
}

/// Refuses a reference in line `own` to what is no earlier request; `last` is the line of the last one.
fn check_reference(
    word: &str,
    own: usize,
    last: usize,
    is_request: impl Fn(usize) -> bool,
) -> Result<(), Refusal> {
    let Some((_, reference)) = reference(word) else { return Ok(()) };
    let digits = &reference[1..];
    if digits.starts_with('@') {
        return Ok(());
    }
    let why = match digits.parse::<usize>() {
        Ok(0) => "lines are counted from 1".to_owned(),
        Ok(line) if digits.starts_with('0') => format!("write it as `@{line}`"),
        Ok(line) if line == own => "it is this line itself".to_owned(),
        Ok(line) if line <= last && line > own => format!("line {line} comes later"),
        Ok(line) if line > last => format!("there is no line {line}"),
        Ok(line) if !is_request(line) => format!("line {line} is empty"),
        Ok(_) => return Ok(()),
        Err(_) => "there are not so many lines".to_owned(),
    };
    Err(Refusal::new(Code::Usage, format!("`{reference}` stands for the id that an earlier line got: {why}"))
        .hint(format!("the text itself is written as `@{reference}`")))
}

/// The word with `@N` in place of the id that line N got; `@@N` is the text `@N`.
fn referring(word: &str, answers: &[(usize, Value)]) -> Result<String, Refusal> {
    let Some((before, reference)) = reference(word) else { return Ok(word.to_owned()) };
    if reference.starts_with("@@") {
        return Ok(format!("{before}{}", &reference[1..]));
    }
    let line: Option<usize> = reference[1..].parse().ok();
    let answer = answers.iter().find(|(at, _)| Some(*at) == line);
    match answer.and_then(|(_, answer)| answer["id"].as_str()) {
        Some(id) => Ok(format!("{before}{id}")),
        None => Err(Refusal::new(
            Code::Usage,
            format!("`{reference}` stands for the id that an earlier line got: that one got none"),
        )
        .hint(format!("the text itself is written as `@{reference}`"))),
    }
}

/// The command of some words, if it is one that can be done together with others.
fn understood(words: &[String]) -> Result<Cli, Refusal> {
    let program = std::iter::once(OsString::from("orchestrator"));
    let refused = |what: String| Refusal::new(Code::Usage, what).hint("orchestrator batch --help");
    if words.is_empty() {
        return Err(refused("no words".to_owned()));
    }
    let cli = parsed(program.chain(words.iter().map(OsString::from)))
        .map_err(|error| refused(usage::sentence(&error)))?;
    let refuse = |what: &str| Err(refused(format!("{what} can't be part of a batch")));
    if let Some((_, what)) = OF_THE_WHOLE.iter().find(|(id, _)| cli.global.typed.has(id)) {
        return refuse(what);
    }
    match &cli.command.0 {
        Command::Workstream(_) | Command::Task(_) | Command::Event(_) => Ok(cli),
        Command::Agent(agent) if !matches!(agent.0, Agent::Heartbeat(_)) => Ok(cli),
        Command::Lock(lock) => match &lock.0 {
            Lock::Acquire(acquire) if acquire.wait.is_some() => refuse("waiting for a lock"),
            _ => Ok(cli),
        },
        Command::Knowledge(knowledge) => match &knowledge.0 {
            Knowledge::Write(write) if write.content == ["-"] => refuse("a document from standard input"),
            _ => Ok(cli),
        },
        _ => refuse("this command"),
    }
}

/// Plans one request; its document.
fn one(app: &App, board: &Rc<Orchestrator>, words: &[String]) -> Result<Value, Refusal> {
    let cli = understood(words)?;
    let mut options = app.options.clone();
    // Who acts in the whole batch, unless a request names another.
    let agent_is_typed = cli.global.typed.has("actor");
    if agent_is_typed {
        super::set_agent(&mut options, &cli.global)?;
    }
    let app = App {
        options,
        quiet: app.quiet,
        agent_is_typed,
        batch: Some(Rc::clone(board)),
        shown: std::cell::RefCell::default(),
    };
    let report = dispatch(&app, cli.command.0)?;
    if let Some(refusal) = report.damage() {
        return Err(refusal);
    }
    if report.exit != 0 {
        return Err(Refusal::new(Code::Transition, report.first_line()).hint("leave this request out"));
    }
    report.document()
}

fn at_line(line: usize, refusal: Refusal) -> Refusal {
    Refusal { message: format!("line {line}: {}; nothing was done", refusal.message), ..refusal }
}
