//! `batch`: the words of many commands, run as one.

use std::ffi::OsString;
use std::io::{self, BufRead as _};
use std::rc::Rc;

use serde_json::Value;

use crate::cli::args::agent::Agent;
use crate::cli::args::knowledge::Knowledge;
use crate::cli::args::lock::Lock;
use crate::cli::args::{Cli, Command};
use crate::cli::parsed;
use crate::cli::report::Report;
use crate::engine::Orchestrator;
use crate::model::{AgentId, Code, Refusal};
use crate::views::json;

use super::{App, dispatch};

/// More would be held in memory and in one commit message.
const MOST: usize = 10_000;

pub fn run(app: &App) -> Result<Report, Refusal> {
    let requests = read()?;
    // What can't be understood is told before anything is asked of the board. A reference to an earlier line may
    // stand anywhere, so it is understood only when that line is done.
    for (line, words) in &requests {
        understood(words).map_err(|refusal| at_line(*line, refusal))?;
    }
    let board = app.board()?;
    let done = board.together(|board| {
        let mut answers: Vec<(usize, Value)> = Vec::with_capacity(requests.len());
        for (line, words) in &requests {
            let words: Vec<String> = words.iter().map(|word| referring(word, &answers)).collect();
            let answer = one(app, board, &words).map_err(|refusal| at_line(*line, refusal))?;
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

/// The requests with their line numbers; empty lines are none.
fn read() -> Result<Vec<(usize, Vec<String>)>, Refusal> {
    let mut requests = Vec::new();
    for (at, line) in io::stdin().lock().lines().enumerate() {
        let line =
            line.map_err(|error| Refusal::new(Code::Unreadable, format!("standard input: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let words = serde_json::from_str(&line).map_err(|error| {
            let why = format!("no JSON array of words: {error}");
            at_line(at + 1, Refusal::new(Code::Usage, why).hint(r#"["task", "add", "<ws>", "<title>"]"#))
        })?;
        requests.push((at + 1, words));
    }
    if requests.len() > MOST {
        let what = format!("{} requests at once; at most {MOST}", requests.len());
        return Err(Refusal::new(Code::Usage, what).hint("split them into several batches"));
    }
    Ok(requests)
}

/// The words with each `@N` replaced by the id that line N got.
fn referring(word: &str, answers: &[(usize, Value)]) -> String {
    let id_of = |reference: &str| {
        let line: usize = reference.strip_prefix('@')?.parse().ok()?;
        let (_, answer) = answers.iter().find(|(at, _)| *at == line)?;
        answer["id"].as_str().map(str::to_owned)
    };
    match word.split_once('=') {
        Some((option, reference)) if option.starts_with("--") => {
            id_of(reference).map_or_else(|| word.to_owned(), |id| format!("{option}={id}"))
        }
        _ => id_of(word).unwrap_or_else(|| word.to_owned()),
    }
}

/// The command of some words, if it is one that can be done together with others.
fn understood(words: &[String]) -> Result<Cli, Refusal> {
    let program = std::iter::once(OsString::from("orchestrator"));
    let cli = parsed(program.chain(words.iter().map(OsString::from))).map_err(|error| {
        let text = error.render().to_string();
        let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
        Refusal::new(Code::Usage, first).hint("orchestrator batch --help")
    })?;
    let refuse = |what: &str| {
        Err(Refusal::new(Code::Usage, format!("{what} can't be part of a batch"))
            .hint("orchestrator batch --help"))
    };
    if cli.global.directory.is_some() || cli.global.at.is_some() {
        return refuse("another directory or revision");
    }
    match &cli.command.0 {
        Command::Workstream(_) | Command::Task(_) | Command::Event(_) => Ok(cli),
        Command::Agent(agent) if !matches!(agent.0, Agent::Heartbeat(_)) => Ok(cli),
        Command::Lock(lock) => match &lock.0 {
            Lock::Acquire(acquire) if acquire.0.wait.is_some() => refuse("waiting for a lock"),
            _ => Ok(cli),
        },
        Command::Knowledge(knowledge) => match &knowledge.0 {
            Knowledge::Write(write) if write.0.content == ["-"] => refuse("a document from standard input"),
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
    if cli.global.agent_is_typed {
        options.agent = cli.global.agent.as_deref().map(AgentId::parse).transpose()?;
    }
    let app = App {
        options,
        quiet: app.quiet,
        agent_is_typed: cli.global.agent_is_typed,
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
