//! Words in, words out.
//!
//! Words become things at the door (`parse`): after that only the world can fail, not the input. A command
//! answers with a `report::Report`; printing happens once, at the end.

#![allow(missing_docs)] // The grammar documents itself in the help texts.

mod args;
mod commands;
mod complete;
mod exact;
mod parse;
mod prune;
mod report;
mod usage;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, CommandFactory as _, FromArgMatches as _, ValueEnum as _};

use crate::model::{Code, Refusal};
use crate::views::style::escaped;
use args::{Cli, Color, Typed};
use report::Printer;

/// The variable by which a completion script asks for candidates. It has a name of its own: any program may have set one
/// that is called `COMPLETE`, and then every command would print a script, and do nothing.
const COMPLETION: &str = "ORCHESTRATOR_COMPLETE";

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
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = panic.to_string();
    }));
    ExitCode::from(guarded(|| completed().unwrap_or_else(run)))
}

/// Answers a completion script, where one asks; its exit code.
fn completed() -> Option<u8> {
    let shell = crate::engine::variable_os(COMPLETION)?;
    let complete = clap_complete::CompleteEnv::with_factory(Cli::command).var(COMPLETION);
    let here = std::env::current_dir().ok();
    match complete.try_complete(std::env::args_os(), here.as_deref()) {
        Ok(is_done) => is_done.then_some(0),
        Err(error) => {
            let name = std::path::Path::new(&shell).file_stem().unwrap_or(&shell).to_string_lossy();
            let shells = clap_complete::env::Shells::builtins();
            let refusal = if shells.completer(&name).is_some() {
                Refusal::new(Code::Unprinted, usage::sentence(&error))
            } else {
                let known: Vec<&str> = shells.names().collect();
                let given = printable(&shell);
                let why =
                    format!("{COMPLETION}: `{given}` is no shell known here; one of {}", known.join(", "));
                Refusal::new(Code::Usage, why).hint(format!("unset {COMPLETION}"))
            };
            Some(not_understood().fail(&refusal))
        }
    }
}

/// What a panic said, for [`guarded`] to tell.
static PANIC: Mutex<String> = Mutex::new(String::new());

/// A panic is a bug of ours: it is told as an error like any other, and has an exit code of its own.
fn guarded(run: impl FnOnce() -> u8 + std::panic::UnwindSafe) -> u8 {
    std::panic::catch_unwind(run).unwrap_or_else(|_| {
        let told = PANIC.lock().unwrap_or_else(PoisonError::into_inner).replace('\n', " ");
        let refusal = Refusal::new(Code::Internal, format!("this is a bug of orchestrator: {told}"))
            .hint("orchestrator --version    (please report it, with the command that was run)");
        not_understood().fail(&refusal)
    })
}

/// How to print where the words could not be understood: as far as they say it.
fn not_understood() -> Printer {
    let words: Vec<OsString> = std::env::args_os().collect();
    let json = words.iter().any(|word| word == "--json");
    let colors = words.iter().zip(words.iter().skip(1).map(Some).chain([None]));
    let color = colors.filter_map(|(word, next)| match word.to_str()?.strip_prefix("--color")? {
        "" => next?.to_str(),
        value => value.strip_prefix('='),
    });
    let color = color.filter_map(|value| Color::from_str(value, false).ok()).last().unwrap_or(Color::Auto);
    Printer { json, color, quiet: false }
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

/// What the words of a command line ask for; the first one is the program's name. Whatever an error repeats of the
/// words is printable text on one line.
fn parsed(words: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    let words: Vec<OsString> = words.into_iter().collect();
    understood(&words).map_err(|error| {
        if error.kind() == ErrorKind::InvalidUtf8 {
            return Cli::command().error(ErrorKind::InvalidUtf8, not_utf8(&words));
        }
        // An error quotes the words as they were given, so it is made of words in which everything prints.
        let printable: Vec<OsString> = words.iter().map(|word| printable(word).into()).collect();
        if printable == words { error } else { understood(&printable).err().unwrap_or(error) }
    })
}

fn understood(words: &[OsString]) -> Result<Cli, clap::Error> {
    let read = || Cli::command().try_get_matches_from(words);
    let words = prune::for_words(words, read).or_else(|_| read())?;
    let mut cli = Cli::from_arg_matches(&words)?;
    cli.global.typed = Typed::of(|id| is_typed(&words, id));
    Ok(cli)
}

/// A word in which what does not print, or is no UTF-8, is escaped.
fn printable(word: &OsStr) -> String {
    let mut text = String::new();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        text.push_str(&escaped(chunk.valid()));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text
}

/// Which text can't be read, where clap says just that one can't.
fn not_utf8(words: &[OsString]) -> String {
    let is_bad = |text: &OsStr| text.to_str().is_none();
    // A path may be any bytes, so it is told only where nothing else is wrong.
    if let Some((at, word)) = words.iter().enumerate().skip(1).find(|(_, word)| is_bad(word)) {
        return format!("argument {at} is not UTF-8: `{}`", printable(word));
    }
    for name in ["ORCHESTRATOR_AGENT", "ORCHESTRATOR_BOARD"] {
        if let Some(value) = crate::engine::variable_os(name).filter(|value| is_bad(value)) {
            return format!("the environment variable {name} is not UTF-8: `{}`", printable(&value));
        }
    }
    "a text is not UTF-8".to_owned()
}

/// Whether a global argument stands in the words themselves, before or after the command.
fn is_typed(words: &ArgMatches, id: &str) -> bool {
    words.value_source(id) == Some(ValueSource::CommandLine)
        || words.subcommand().is_some_and(|(_, inner)| is_typed(inner, id))
}

/// Help and version are answers; anything else that clap says is a usage error.
fn usage(error: &clap::Error) -> u8 {
    let printer = not_understood();
    if !error.use_stderr() {
        return printer.help(&error.render());
    }
    if !printer.json {
        return printer.usage(&error.render());
    }
    printer.fail(&Refusal::new(Code::Usage, usage::sentence(error)).hint("orchestrator --help"))
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
                    whole.global.typed.clone_from(&named.global.typed);
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
