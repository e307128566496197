//! What must not be worked on at the same time, and why.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use crate::model::{Landing, Status};
use crate::views::named::Named;
use crate::views::quote;

use super::inputs::PlanInputs;

/// How many tasks of a serial group, and names in its reason, are told.
pub(super) const LISTED: usize = 20;
const NAMED: usize = 5;

/// Tasks that must not be worked on at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Serial {
    /// One sentence.
    pub reason: String,
    /// As `workstream/id`; at most twenty, the reason says how many more.
    pub tasks: Vec<String>,
}

impl PlanInputs<'_> {
    /// What a task waits for that may still land here.
    fn waits_for(&self, at: usize) -> Vec<usize> {
        let seen = &self.material.tasks[at];
        if seen.task.status.is_over() {
            return Vec::new();
        }
        let known = seen.task.depends_on.iter().filter_map(|id| self.material.index.get(id).copied());
        let open = known.filter(|dependency| {
            let dependency = &self.material.tasks[*dependency];
            match (&dependency.task.status, &dependency.landing) {
                (Status::Cancelled { .. }, _) | (Status::Done { .. }, Landing::Here) => false,
                (Status::Done { .. }, Landing::Elsewhere { .. })
                | (Status::Pending | Status::InProgress(_) | Status::Blocked { .. }, _) => true,
            }
        });
        let mut waits: Vec<usize> = open.collect();
        waits.sort_unstable();
        waits.dedup();
        waits
    }

    /// Groups of tasks that depend on each other: those that wait for the same come together, and where one
    /// alone waits for one alone, they make a chain.
    pub(super) fn dependencies(&self) -> Vec<Serial> {
        let mut waiting: HashMap<Vec<usize>, Vec<usize>> = HashMap::new();
        let mut times: HashMap<usize, usize> = HashMap::new();
        let mut heads: Vec<Vec<usize>> = Vec::new();
        for at in &self.order {
            let before = self.waits_for(*at);
            if before.is_empty() {
                continue;
            }
            for one in &before {
                *times.entry(*one).or_default() += 1;
            }
            let group = waiting.entry(before.clone()).or_default();
            if group.is_empty() {
                heads.push(before);
            }
            group.push(*at);
        }
        // `after[a] = b`: b waits for a and nothing else, and nobody else waits for a.
        let after: HashMap<usize, usize> = waiting
            .iter()
            .filter_map(|(before, then)| match (before.as_slice(), then.as_slice()) {
                ([one], [next]) if times.get(one) == Some(&1) => Some((*one, *next)),
                _ => None,
            })
            .collect();
        // A chain that begins at one of these is told with the group that ends there.
        let ends: HashSet<usize> = waiting
            .values()
            .filter_map(|then| if let [only] = then.as_slice() { Some(*only) } else { None })
            .collect();
        let mut groups = Vec::new();
        for before in heads {
            let then = &waiting[&before];
            if matches!(before.as_slice(), [one] if after.contains_key(one) && ends.contains(one)) {
                continue;
            }
            let mut tasks = before.clone();
            tasks.extend(then);
            if let [only] = then.as_slice() {
                let mut last = *only;
                while let Some(next) = after.get(&last) {
                    tasks.push(*next);
                    last = *next;
                }
            }
            groups.push(self.serial(self.order_of(&before, then, tasks.len()), &tasks));
        }
        groups
    }

    fn order_of(&self, before: &[usize], then: &[usize], all: usize) -> String {
        match (before, then) {
            ([first], [next]) if all == 2 => {
                format!("`{}` depends on `{}`", self.path(*next), self.path(*first))
            }
            ([_], [_]) => "Each depends on the one before it".to_owned(),
            ([first], several) => {
                format!("`{}` comes first: the other {} depend on it", self.path(*first), several.len())
            }
            (several, [next]) if all == several.len() + 1 => {
                format!("`{}` depends on the {} before it", self.path(*next), several.len())
            }
            (several, [next]) => format!(
                "`{}` depends on the {} before it, and each after it on the one before",
                self.path(*next),
                several.len()
            ),
            (several, others) => {
                format!(
                    "The first {} come first: the other {} depend on each of them",
                    several.len(),
                    others.len()
                )
            }
        }
    }

    /// Groups of tasks, ready or under way, that name the same things.
    pub(super) fn conflicts(&self) -> Vec<Serial> {
        let mut by_name: BTreeMap<&Named, Vec<usize>> = BTreeMap::new();
        for (place, at) in self.order.iter().enumerate() {
            for name in self.names.get(at).into_iter().flatten() {
                by_name.entry(name).or_default().push(place);
            }
        }
        // Keyed by the places of their tasks, so that the group of the best task comes first.
        let mut groups: BTreeMap<Vec<usize>, Vec<&Named>> = BTreeMap::new();
        for (name, places) in by_name {
            if places.len() > 1 {
                groups.entry(places).or_default().push(name);
            }
        }
        groups
            .into_iter()
            .map(|(places, names)| {
                let tasks: Vec<usize> = places.into_iter().map(|place| self.order[place]).collect();
                self.serial(self.conflict(&tasks, &names), &tasks)
            })
            .collect()
    }

    fn conflict(&self, tasks: &[usize], names: &[&Named]) -> String {
        let who = if tasks.len() == 2 { "Both".to_owned() } else { format!("All {}", tasks.len()) };
        let mut told: Vec<String> = names.iter().take(NAMED).map(|name| quote::span(&name.text())).collect();
        if names.len() > NAMED {
            told.push(format!("{} more", names.len() - NAMED));
        }
        let last = told.pop().unwrap_or_default();
        let what = if told.is_empty() { last } else { format!("{} and {last}", told.join(", ")) };
        let active: Vec<String> = tasks
            .iter()
            .filter(|at| !self.ready[**at])
            .take(NAMED)
            .map(|at| format!("`{}`", self.path(*at)))
            .collect();
        match active.as_slice() {
            [] => format!("{who} name {what}"),
            [one] => format!("{who} name {what}; {one} is in progress"),
            several => format!("{who} name {what}; {} are in progress", several.join(", ")),
        }
    }

    fn serial(&self, reason: String, tasks: &[usize]) -> Serial {
        let more = tasks.len().saturating_sub(LISTED);
        let reason = if more == 0 { reason } else { format!("{reason} (and {more} more tasks)") };
        Serial { reason, tasks: tasks.iter().take(LISTED).map(|at| self.path(*at)).collect() }
    }
}
