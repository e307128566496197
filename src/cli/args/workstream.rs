//! `workstream …`

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::number::whole;
use crate::cli::complete;

#[derive(Subcommand, Debug)]
pub enum Workstream {
    /// Create a workstream
    #[command(
        alias = "add",
        after_help = "Example:\n  orchestrator ws create revenue \"Revenue generation\" 1"
    )]
    Create(Create),
    /// List workstreams with the counts of their tasks
    #[command(visible_alias = "ls")]
    List,
    /// Show a workstream with its tasks
    Show(One),
    /// Change a workstream
    Update(Update),
}

#[derive(Args, Debug)]
pub struct Create {
    /// Letters, digits, `.`, `_`, `-`; at most 64
    pub name: String,
    /// What it is about
    pub description: Option<String>,
    /// 1 is the highest that is usual, 0 is higher still
    #[arg(default_value_t = 5, allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub priority: i64,
    /// The same as DESCRIPTION
    #[arg(long = "description", value_name = "TEXT", conflicts_with = "description")]
    pub named_description: Option<String>,
    /// The same as PRIORITY
    #[arg(long = "priority", value_name = "N", conflicts_with = "priority", allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub named_priority: Option<i64>,
}

#[derive(Args, Debug)]
pub struct One {
    /// Which
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub name: String,
}

#[derive(Args, Debug)]
pub struct Update {
    /// Which
    #[arg(add = ArgValueCandidates::new(complete::workstreams))]
    pub name: String,
    /// What it is about
    #[arg(long)]
    pub description: Option<String>,
    /// 1 is the highest that is usual, 0 is higher still
    #[arg(long, allow_negative_numbers = true, value_parser = whole::<i64>)]
    pub priority: Option<i64>,
    /// `closed`: nothing is added to it or handed out from it
    #[arg(long, value_parser = ["active", "closed"])]
    pub status: Option<String>,
}
