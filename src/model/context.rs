//! What an operation is told about the world: the time, who acts, where new ids come from.

use super::{AgentId, EventId, Nonce, Settings, TaskId, Timestamp};

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// The agent named on the command line or by the environment.
    pub agent: Option<AgentId>,
}

impl Actor {
    /// The agent, or `system` when nobody was named.
    pub fn id(&self) -> AgentId {
        self.agent.clone().unwrap_or_else(AgentId::system)
    }
}

/// Where fresh ids come from. An operation that is planned again gets fresh ones.
pub trait Mint {
    /// An id that may be in use already: the operation checks it against the board.
    fn task_id(&self) -> TaskId;
    /// A UUID v7.
    fn event_id(&self, at: Timestamp) -> EventId;
    /// 128 random bits.
    fn nonce(&self) -> Nonce;
}

/// What an operation may know besides the board.
pub struct Context<'a> {
    /// When it happens.
    pub now: Timestamp,
    /// Who acts.
    pub actor: Actor,
    /// The board's settings.
    pub settings: &'a Settings,
    /// Where fresh ids come from.
    pub mint: &'a dyn Mint,
}
