//! What was wrong with words that clap could not understand, in one sentence.

use clap::error::{Error, ErrorKind};

/// What clap says, without its label, its usage and its tips. Where it answers with help in place of an error, a
/// sentence of our own: the first line of a help text says nothing of what was wrong.
pub fn sentence(error: &Error) -> String {
    match error.kind() {
        ErrorKind::DisplayHelp => return "help is not asked for here".to_owned(),
        ErrorKind::DisplayVersion => return "the version is not asked for here".to_owned(),
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand | ErrorKind::MissingSubcommand => {
            return "the words end before they name what to do".to_owned();
        }
        _ => {}
    }
    let text = error.render().to_string();
    let lines = text.trim_start_matches("error: ").lines().map(str::trim);
    // Names of arguments that are missing stand in lines of their own.
    lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}
