//! Words in, words out.
//!
//! Words become things at the door (`parse`): after that only the world can fail, not the input. A command
//! answers with a `report::Report`; printing happens once, at the end.

#![allow(missing_docs)] // The grammar documents itself in the help texts.

mod args;
mod commands;
mod complete;
mod lazy;
mod parse;
mod report;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _};

use crate::model::{Code, Refusal};
use args::{Cli, Color};
use report::Printer;

/// A file that would be longer than the limit of this process (`ulimit -f`) is an error like a full disk, and no
/// signal that kills in the middle of a change. A handler does that too, and is not inherited by what we start.
fn outlive_file_limit() {
    let unread = std::sync::Arc::<std::sync::atomic::AtomicBool>::default();
    // Where it can't be set, a kill is what there is recovery for.
    let _best_effort = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, unread);
}

/// The whole program: arguments in, exit code out.
pub fn main() -> ExitCode {
    outlive_file_limit();
    clap_complete::CompleteEnv::with_factory(Cli::command).complete();
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    ExitCode::from(guarded(run))
}

/// What a panic said, for [`guarded`] to tell.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// A panic is a bug of ours: it is told as an error like any other, and has an exit code of its own.
fn guarded(run: impl FnOnce() -> u8 + std::panic::UnwindSafe) -> u8 {
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let told = PANIC.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let refusal = Refusal::new(Code::Internal, format!("this is a bug of orchestrator: {told}"))
            .hint("orchestrator --version    (please report it, with the command that was run)");
        Printer { json: is_json(), color: Color::Never, quiet: false }.fail(&refusal)
    })
}

/// Whether JSON is asked for, where the words could not be understood.
fn is_json() -> bool {
    std::env::args().any(|word| word == "--json")
}

fn run() -> u8 {
    let cli = match parsed(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let printer = Printer { json: cli.global.json, color: cli.global.color, quiet: cli.global.quiet };
    match commands::run(cli, printer) {
        Ok(report) => printer.print(&report),
        Err(refusal) => printer.fail(&refusal),
    }
}

/// What the words of a command line ask for; the first one is the program's name.
fn parsed(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    let read = || Cli::command().try_get_matches_from(&words);
    let words = lazy::for_words(&words, read).or_else(|_| read())?;
    let mut cli = Cli::from_arg_matches(&words)?;
    cli.global.agent_is_typed = is_typed(&words, "actor");
    Ok(cli)
}

/// Whether a global argument stands in the words themselves, before or after the command.
fn is_typed(words: &ArgMatches, id: &str) -> bool {
    words.value_source(id) == Some(ValueSource::CommandLine)
        || words.subcommand().is_some_and(|(_, inner)| is_typed(inner, id))
}

/// Help and version are answers; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> u8 {
    if !error.use_stderr() {
        let _nobody_reads = error.print();
        return 0;
    }
    if !is_json() {
        let _nobody_reads = error.print();
        return Code::Usage.exit();
    }
    let text = error.render().to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
    let refusal = Refusal::new(Code::Usage, message).hint("orchestrator --help");
    Printer { json: true, color: Color::Never, quiet: false }.fail(&refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bug_has_an_exit_code_of_its_own() {
        assert_eq!(guarded(|| panic!("on purpose")), 70);
        assert_eq!(guarded(|| 3), 3);
    }

    /// What is understood by the named commands alone is understood so by the whole grammar, and what is not is told
    /// by the whole one.
    #[test]
    fn words_mean_the_same_beside_commands_that_none_of_them_names() {
        for line in [
            "status",
            "--json t list w --status pending",
            "t --json add w list --priority 2 --agent agent-1",
            "task add status log -q",
            "--agent agent-1 t complete 299833bc",
            "kb write status --file -",
            "kb write kb",
            "git commit -m t",
            "log t",
            "undo",
            "a",
            "t add",
            "t lst",
            "statsu",
            "help t",
            "t help add",
            "t add --help",
            "--version",
            "",
        ] {
            let words: Vec<OsString> =
                ["orchestrator"].into_iter().chain(line.split_whitespace()).map(OsString::from).collect();
            let whole =
                Cli::command().try_get_matches_from(&words).and_then(|words| Cli::from_arg_matches(&words));
            match (parsed(words), whole) {
                (Ok(named), Ok(mut whole)) => {
                    whole.global.agent_is_typed = named.global.agent_is_typed;
                    assert_eq!(format!("{named:?}"), format!("{whole:?}"), "{line}");
                }
                (Err(named), Err(whole)) => {
                    assert_eq!(named.render().to_string(), whole.render().to_string(), "{line}");
                }
                (named, whole) => panic!("{line}: {} {}", named.is_ok(), whole.is_ok()),
            }
        }
    }
}
