//! What each command does with its words: parse, ask or run, report.

mod agent;
mod batch;
mod board;
mod cycle;
mod demo;
mod events;
mod exchange;
mod history;
#[cfg(test)]
mod honest;
mod knowledge;
mod lock;
mod merge_driver;
mod review;
mod selftest;
mod task;
mod verify;
mod workstream;

use std::cell::RefCell;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use clap::CommandFactory as _;

use crate::engine::{Env, Options, Orchestrator, Outlet};
use crate::model::{AgentId, Bounds, Code, Refusal, Timestamp};

use super::args::{Cli, Command, Global};
use super::parse;
use super::report::{Body, Printer, Report};

/// What every command needs.
pub struct App {
    options: Options,
    /// Nothing but the answer.
    pub quiet: bool,
    /// Whether the one who acts stands in the arguments.
    agent_is_typed: bool,
    /// The board of a batch, where requests are only planned.
    batch: Option<Rc<Orchestrator>>,
    /// Which commit is shown, where the past is.
    shown: RefCell<Option<String>>,
}

impl App {
    /// The board.
    pub fn board(&self) -> Result<Rc<Orchestrator>, Refusal> {
        if let Some(board) = &self.batch {
            return Ok(Rc::clone(board));
        }
        let board = Orchestrator::open(self.options.clone(), Env::from_process())?;
        if let (Some(word), Some((commit, then))) = (&self.options.at, board.shown_past()) {
            *self.shown.borrow_mut() = Some(format!("`{word}` shows commit {commit}, as of {then}"));
        }
        board.note_presence(self.options.agent.as_ref());
        let board = Rc::new(board);
        // It lives as long as the process, whose memory and maps the kernel takes back in one go.
        std::mem::forget(Rc::clone(&board));
        Ok(board)
    }

    /// A path that somebody typed, from where `-C` says.
    pub fn path(&self, typed: &Path) -> PathBuf {
        let start = &self.options.start;
        // As it was typed, where that is here.
        if start == Path::new(".") { typed.to_owned() } else { start.join(typed) }
    }

    /// The options, for what opens no board.
    pub fn options(&self) -> Options {
        self.options.clone()
    }

    /// Whom a list is to show: `asked`, else the agent of `--agent` where it stands in the arguments. The
    /// environment says who acts, never what is shown.
    pub fn shown_agent(&self, asked: Option<&str>) -> Result<Option<AgentId>, Refusal> {
        match asked {
            Some(text) => Ok(Some(AgentId::parse(text)?)),
            None if self.agent_is_typed => Ok(self.options.agent.clone()),
            None => Ok(None),
        }
    }

    /// Who acts, where a command has to know it: `named`, else the agent of `--agent` or the environment; else `question`
    /// is put, and `usage` is the hint.
    pub fn acting(&self, named: Option<&str>, question: &str, usage: &str) -> Result<AgentId, Refusal> {
        match named.map(AgentId::parse).transpose()? {
            Some(agent) => Ok(agent),
            None => self.actor()?.ok_or_else(|| Refusal::new(Code::Usage, question).hint(usage)),
        }
    }

    /// The agent named by `--agent` or the environment, for a command that changes something.
    pub fn actor(&self) -> Result<Option<AgentId>, Refusal> {
        self.options.actor()
    }
}

/// Runs a command.
pub fn run(cli: Cli, printer: Printer) -> Result<Report, Refusal> {
    let app = App {
        options: options(&cli.global)?,
        quiet: cli.global.quiet,
        agent_is_typed: cli.global.typed.has("actor"),
        batch: None,
        shown: RefCell::default(),
    };
    let report = answer(&app, cli.command.0, printer)?;
    let shown = app.shown.take();
    Ok(report.remarks(shown))
}

fn answer(app: &App, command: Command, printer: Printer) -> Result<Report, Refusal> {
    if let (Some(word), Command::Init(_) | Command::Git(_)) = (&app.options.at, &command) {
        return Err(crate::engine::unchangeable(word));
    }
    match command {
        Command::Init(args) => board::init(app, &args),
        Command::Batch => batch::run(app),
        Command::Git(args) => {
            let exit = crate::engine::run_git(&app.options, &Env::from_process(), &args.arguments)?;
            Ok(Report::default().exit(exit))
        }
        Command::MergeDriver(args) => merge_driver::run(app, &args),
        Command::Doctor { new_archive: true, .. } => board::renew_archive(app),
        Command::Doctor { fix, new_archive: false } => board::doctor(app, fix),
        Command::Diff(args) => review::diff(app, &args),
        Command::Check(args) => review::check(app, &args),
        Command::Demo(args) => demo::run(app, &args, printer),
        Command::Selftest(args) => selftest::run(app, &args),
        Command::Completions { shell } => completions(&shell),
        Command::Man { directory } => man(&app.path(&directory)),
        other => dispatch(app, other),
    }
}

/// What a command does with a board that is there.
fn dispatch(app: &App, command: Command) -> Result<Report, Refusal> {
    match command {
        Command::Status => board::status(app),
        Command::Workstream(args) => workstream::run(app, args.0),
        Command::Task(args) => task::run(app, args.0),
        Command::Agent(args) => agent::run(app, args.0),
        Command::Lock(args) => lock::run(app, args.0),
        Command::Knowledge(args) => knowledge::run(app, args.0),
        Command::Events(args) => events::list(app, &args),
        Command::Event(args) => events::log(app, args.0),
        Command::Log { what } => history::log(app, &what),
        Command::Undo { what } => history::undo(app, what),
        Command::Plan => cycle::plan(app),
        Command::Brief(args) => cycle::brief(app, &args),
        Command::Collect(args) => cycle::collect(app, &args),
        Command::Verify(args) => verify::run(app, &args),
        Command::Export(args) => exchange::export(app, args.0),
        Command::Import(args) => exchange::import(app, &args),
        Command::Init(_)
        | Command::Git(_)
        | Command::Diff(_)
        | Command::Check(_)
        | Command::MergeDriver(_)
        | Command::Doctor { .. }
        | Command::Demo(_)
        | Command::Selftest(_)
        | Command::Completions { .. }
        | Command::Man { .. }
        | Command::Batch => Err(Refusal::new(Code::Internal, "this command needs no board")),
    }
}

fn options(global: &Global) -> Result<Options, Refusal> {
    let mut options = Options::new(global.directory.clone().unwrap_or_else(|| PathBuf::from(".")));
    options.board = board(global)?;
    options.board_variable =
        (options.board.is_some() && !global.typed.has("board")).then_some("ORCHESTRATOR_BOARD");
    options.at.clone_from(&global.at);
    set_agent(&mut options, global)?;
    options.timeout = parse::span("--timeout", &global.timeout, Bounds::PATIENCE)?;
    Ok(options)
}

/// Who acts. What the arguments say must be an agent's id; what the environment says is asked for only where somebody
/// has to act, and an empty variable is none.
fn set_agent(options: &mut Options, global: &Global) -> Result<(), Refusal> {
    let Some(given) = global.agent.as_deref() else { return Ok(()) };
    let is_typed = global.typed.has("actor");
    if given.is_empty() && !is_typed {
        return Ok(());
    }
    let text = match (utf8(if is_typed { "--agent" } else { "ORCHESTRATOR_AGENT" }, given), is_typed) {
        (Ok(text), _) => text,
        (Err(refusal), true) => return Err(refusal),
        (Err(refusal), false) => {
            options.no_agent = Some(refusal.hint("unset ORCHESTRATOR_AGENT"));
            return Ok(());
        }
    };
    match (AgentId::parse(text), is_typed) {
        (Ok(agent), _) => options.agent = Some(agent),
        (Err(bad), true) => return Err(bad.into()),
        (Err(bad), false) => {
            let hint = match &bad.suggestion {
                Some(better) => format!("export ORCHESTRATOR_AGENT={better}"),
                None => "unset ORCHESTRATOR_AGENT".to_owned(),
            };
            let refusal = Refusal::new(Code::Invalid, format!("ORCHESTRATOR_AGENT: {bad}"));
            options.no_agent = Some(refusal.hint(hint));
        }
    }
    Ok(())
}

/// The board that is named; an empty variable names none.
fn board(global: &Global) -> Result<Option<String>, Refusal> {
    let is_typed = global.typed.has("board");
    let Some(given) = global.board.as_deref().filter(|given| is_typed || !given.is_empty()) else {
        return Ok(None);
    };
    let from = if is_typed { "--board" } else { "ORCHESTRATOR_BOARD" };
    Ok(Some(utf8(from, given)?.to_owned()))
}

/// A word as text; `from` says where it stands.
fn utf8<'a>(from: &str, given: &'a OsStr) -> Result<&'a str, Refusal> {
    let refusal = || Refusal::new(Code::Usage, format!("{from}: `{}` is not UTF-8", super::printable(given)));
    given.to_str().ok_or_else(refusal)
}

/// A moment that somebody typed.
pub fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    Ok(Timestamp::parse_moment(text, now)?)
}

fn completions(shell: &str) -> Result<Report, Refusal> {
    let shells = clap_complete::env::Shells::builtins();
    let Some(completer) = shells.completer(shell) else {
        let known: Vec<&str> = shells.names().collect();
        return Err(Refusal::new(
            Code::Usage,
            format!("`{}` is no shell known here; one of {}", shell.escape_debug(), known.join(", ")),
        ));
    };
    let mut script = Vec::new();
    completer
        .write_registration(super::COMPLETION, "orchestrator", "orchestrator", "orchestrator", &mut script)
        .map_err(|error| Refusal::new(Code::Unreadable, error.to_string()))?;
    let script = String::from_utf8_lossy(&script).into_owned();
    Ok(Report::new(&serde_json::json!({"shell": shell, "script": script}), Body::Stored(script)))
}

fn man(directory: &Path) -> Result<Report, Refusal> {
    let failed =
        |error: std::io::Error| Refusal::new(Code::Unreadable, format!("`{}`: {error}", directory.display()));
    let outlet = Outlet::make(directory)?;
    // Elsewhere first: who makes the pages writes through a link that has the name of one.
    let made = tempfile::Builder::new().prefix("orchestrator-man-").tempdir().map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), made.path()).map_err(failed)?;
    let mut count = 0;
    for entry in std::fs::read_dir(made.path()).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let page = std::fs::read(entry.path()).map_err(failed)?;
        outlet.replace(&entry.file_name().to_string_lossy(), &page)?;
        count += 1;
    }
    let text = format!("Wrote {count} man pages to {}", directory.display());
    let json = serde_json::json!({"directory": directory.display().to_string(), "pages": count});
    Ok(Report::new(&json, text).changed(format!("{count} pages in {}", directory.display())))
}
