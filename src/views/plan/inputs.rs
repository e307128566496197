//! What a plan looks at: the tasks of a board in the order of a plan, which are ready, and what they name.

use std::collections::{BTreeSet, HashMap};

use crate::model::WorkstreamStatus;
use crate::views::material::Material;
use crate::views::named::{self, Named};

/// The tasks of a board, as a plan looks at them.
pub(super) struct PlanInputs<'a> {
    pub(super) material: &'a Material,
    /// Tasks by workstream (by priority, then name), then rank; those of closed workstreams last.
    pub(super) order: Vec<usize>,
    /// For each task, by its place in the material: it could be taken now.
    pub(super) ready: Vec<bool>,
    /// What each task names that is ready or under way.
    pub(super) names: HashMap<usize, BTreeSet<Named>>,
}

impl<'a> PlanInputs<'a> {
    pub(super) fn of(material: &'a Material) -> Self {
        let open = material.workstreams.iter().filter(|one| one.status == WorkstreamStatus::Active);
        let places: HashMap<&str, usize> =
            open.enumerate().map(|(place, one)| (one.name.as_str(), place)).collect();
        let place = |at: &usize| places.get(material.tasks[*at].task.workstream.as_str());
        let mut order: Vec<usize> = (0..material.tasks.len()).collect();
        // The material is sorted by rank, and a stable sort keeps that.
        order.sort_by_key(|at| place(at).copied().unwrap_or(usize::MAX));
        let ready: Vec<bool> = (0..material.tasks.len())
            .map(|at| place(&at).is_some() && material.is_ready(&material.tasks[at]))
            .collect();
        let mut names: HashMap<_, _> = material.active.iter().cloned().collect();
        for at in order.iter().copied().filter(|at| ready[*at]) {
            names.insert(at, named::named(&material.tasks[at].task, &material.resources));
        }
        Self { material, order, ready, names }
    }
}
