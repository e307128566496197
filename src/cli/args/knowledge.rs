//! `knowledge …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueHint};
use clap_complete::engine::ArgValueCandidates;

use crate::cli::complete;

#[derive(Subcommand, Debug)]
pub enum Knowledge {
    /// Write a document: from the arguments, a file, or standard input (`-`)
    #[command(
        after_help = "Examples:\n  orchestrator kb write api-design \"Use REST for external, events for internal\"\n  orchestrator kb write api/errors --file errors.md\n  git log -1 | orchestrator kb write last-change -"
    )]
    Write(Write),
    /// Print a document
    #[command(after_help = "Exit 1: there is none.")]
    Read(One),
    /// List topics
    #[command(visible_alias = "ls")]
    List,
    /// Delete a document; git keeps what it said
    Delete(One),
    /// Find documents in which all these words occur
    Search(Search),
}

#[derive(Args, Debug)]
pub struct Write {
    /// May have parts: api/errors
    pub topic: String,
    /// The markdown; several words are joined with blanks; `-` reads standard input
    pub content: Vec<String>,
    /// Read it from a file
    #[arg(long, value_name = "F", conflicts_with = "content", value_hint = ValueHint::FilePath)]
    pub file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub struct One {
    /// Which
    #[arg(add = ArgValueCandidates::new(complete::topics))]
    pub topic: String,
}

#[derive(Args, Debug)]
pub struct Search {
    /// Parts of words do; case does not matter
    #[arg(required = true)]
    pub words: Vec<String>,
}
