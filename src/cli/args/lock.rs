//! `lock …`

use clap::{Args, Subcommand};
use clap_complete::engine::ArgValueCandidates;

use super::number::whole;
use crate::cli::complete;

#[derive(Subcommand, Debug)]
pub enum Lock {
    /// Take a lock, or renew one's own
    #[command(
        after_help = "Examples:\n  orchestrator l acquire git agent-1\n  orchestrator l acquire src/main.rs agent-1 --ttl 5m --wait 30s\n\nExit 1: somebody else holds it."
    )]
    Acquire(Acquire),
    /// Give a lock back
    #[command(
        after_help = "Examples:\n  orchestrator l release git agent-1\n  orchestrator l release git ada --force --epoch 3 --reason 'agent-1 crashed'\n\nExit 1: it is not held by that agent."
    )]
    Release(Release),
    /// List locks that are held
    #[command(visible_alias = "ls")]
    List,
    /// Show a lock
    Show(One),
}

#[derive(Args, Debug)]
pub struct Acquire {
    /// Any printable text of at most 200 bytes
    pub resource: String,
    /// Who takes it (default: the agent of --agent)
    #[arg(value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub by: Option<String>,
    /// 1s to 24h; a bare number is seconds (default: the board's, 60s)
    #[arg(long, value_name = "TIME")]
    pub ttl: Option<String>,
    /// How long to wait while somebody else holds it, up to 7d; a bare number is seconds
    #[arg(long, value_name = "TIME")]
    pub wait: Option<String>,
    /// Why, for others to read
    #[arg(long)]
    pub reason: Option<String>,
}

#[derive(Args, Debug)]
pub struct Release {
    /// What was locked
    pub resource: String,
    /// Who gives it back (default: the agent of --agent)
    #[arg(value_name = "AGENT", add = ArgValueCandidates::new(complete::agents))]
    pub by: Option<String>,
    /// Break the lock of somebody else
    #[arg(long, requires = "epoch", requires = "reason")]
    pub force: bool,
    /// Which epoch is broken
    #[arg(long, value_name = "N", requires = "force", value_parser = whole::<u64>)]
    pub epoch: Option<u64>,
    /// Why
    #[arg(long, requires = "force")]
    pub reason: Option<String>,
}

#[derive(Args, Debug)]
pub struct One {
    /// Of what
    pub resource: String,
}
