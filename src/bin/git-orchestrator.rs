//! The name by which git finds the program: `git orchestrator status`.
//!
//! It replaces itself by the `orchestrator` that lies beside it, and by no other: what `PATH` says is not asked, since
//! two versions on one board are what nobody would look for.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

/// No program of ours ran: no answer of the table of exit codes but that for a broken installation fits.
const NOT_INSTALLED: u8 = 70;

#[allow(clippy::print_stderr)] // The printer is in the program that could not be started.
fn main() -> ExitCode {
    let beside = match std::env::current_exe() {
        Ok(here) => here.with_file_name("orchestrator"),
        Err(error) => {
            eprintln!("error: where git-orchestrator is installed can't be told: {error}");
            return ExitCode::from(NOT_INSTALLED);
        }
    };
    // It comes back only where it could not be replaced.
    let error = Command::new(&beside).args(std::env::args_os().skip(1)).exec();
    eprintln!("error: `{}` can't be started: {error}", beside.display());
    eprintln!("hint: install orchestrator and git-orchestrator in one directory");
    ExitCode::from(NOT_INSTALLED)
}
