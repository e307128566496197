//! An agent.

use crate::model::Agent;

use super::Merged;
use super::fields::{Fields, set};

/// Merges two versions of an agent. `base` is none where both sides have registered it: the last time counts.
pub fn agent(base: Option<&Agent>, ours: &Agent, theirs: &Agent) -> Merged<Agent> {
    let mut fields = Fields::default();
    let kind = fields.value("type", base.map(|one| &one.kind), &ours.kind, &theirs.kind);
    let status = fields.value("status", base.map(|one| &one.status), &ours.status, &theirs.status);
    let registered_at = match base {
        Some(base) if base.registered_at == ours.registered_at => theirs.registered_at,
        Some(base) if base.registered_at == theirs.registered_at => ours.registered_at,
        // Who registers again is registered anew.
        Some(_) | None => ours.registered_at.max(theirs.registered_at),
    };
    let imported = fields.value("imported", base.map(|one| &one.imported), &ours.imported, &theirs.imported);
    let capabilities = base.map(|one| one.capabilities.clone()).unwrap_or_default();
    let value = Agent {
        id: ours.id.clone(),
        kind,
        status,
        capabilities: set(&capabilities, &ours.capabilities, &theirs.capabilities),
        registered_at,
        imported,
    };
    Merged { value, conflicts: fields.conflicts }
}
