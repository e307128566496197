//! The one place that spells `.orchestrator/…`.
//!
//! Paths are from the repository's root with `/` between their parts, as git has them. An id or a name
//! inside a file never makes a path; only values that are valid by construction do.

pub(crate) use crate::model::Place;
use crate::model::{AgentId, TaskId, Topic, WorkstreamName};

/// The board's directory.
pub(crate) const BOARD: &str = ".orchestrator";

/// Below the board: workstreams, one file each.
pub(crate) const WORKSTREAMS: &str = ".orchestrator/workstreams";
/// Below the board: tasks, in directories named after the first two digits of their ids.
pub(crate) const TASKS: &str = ".orchestrator/tasks";
/// Below the board: agents, one file each.
pub(crate) const AGENTS: &str = ".orchestrator/agents";
/// Below the board: knowledge, a file for each topic.
pub(crate) const KNOWLEDGE: &str = ".orchestrator/knowledge";
/// The settings; a board is where this file is.
pub(crate) const CONFIG: &str = ".orchestrator/config.yaml";

/// The file of a workstream.
pub(crate) fn of_workstream(name: &WorkstreamName) -> String {
    format!("{WORKSTREAMS}/{name}.yaml")
}

/// The directory that holds the tasks with these first two digits.
pub(crate) fn of_shard(digits: &str) -> String {
    format!("{TASKS}/{digits}")
}

/// The file of a task.
pub(crate) fn of_task(id: TaskId) -> String {
    let id = id.as_str();
    format!("{TASKS}/{}/{id}.yaml", &id[..2])
}

/// The file of an agent.
pub(crate) fn of_agent(id: &AgentId) -> String {
    format!("{AGENTS}/{id}.yaml")
}

/// The file of a topic.
pub(crate) fn of_knowledge(topic: &Topic) -> String {
    format!("{KNOWLEDGE}/{topic}.md")
}

/// A file of the board that has no entry of its own, such as `config.yaml` or `templates/brief.md`.
pub(crate) fn of_file(name: &str) -> String {
    format!("{BOARD}/{name}")
}

/// The file of an entry.
pub(crate) fn of_entry(entry: &Place) -> Option<String> {
    match entry {
        Place::Workstream(name) => Some(of_workstream(name)),
        Place::Task(id) => Some(of_task(*id)),
        Place::Agent(id) => Some(of_agent(id)),
        Place::Knowledge(topic) => Some(of_knowledge(topic)),
        Place::Furniture | Place::Stray => None,
    }
}

/// What this path is about. Inverse of the functions above.
pub(crate) fn place(path: &str) -> Place {
    let Some(inside) = path.strip_prefix(BOARD).and_then(|rest| rest.strip_prefix('/')) else {
        return Place::Stray;
    };
    let Some((directory, rest)) = inside.split_once('/') else { return Place::Furniture };
    let found = match directory {
        "workstreams" => yaml_stem(rest).and_then(|s| WorkstreamName::parse(s).ok()).map(Place::Workstream),
        "agents" => yaml_stem(rest).and_then(|s| AgentId::parse(s).ok()).map(Place::Agent),
        "tasks" => yaml_stem(rest).and_then(|stem| {
            let (shard, name) = stem.split_once('/')?;
            TaskId::parse(name)
                .filter(|id| id.as_str().starts_with(shard) && shard.len() == 2)
                .map(Place::Task)
        }),
        "knowledge" => rest.strip_suffix(".md").and_then(|t| Topic::parse(t).ok()).map(Place::Knowledge),
        "templates" => Some(Place::Furniture),
        _ => Some(Place::Furniture),
    };
    found.unwrap_or(Place::Stray)
}

fn yaml_stem(name: &str) -> Option<&str> {
    name.strip_suffix(".yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_paths_are_inverse() {
        let task = TaskId::parse("299833bc").unwrap();
        let workstream = WorkstreamName::parse("revenue").unwrap();
        let agent = AgentId::parse("agent-1").unwrap();
        let topic = Topic::parse("api/errors").unwrap();
        assert_eq!(of_task(task), ".orchestrator/tasks/29/299833bc.yaml");
        assert_eq!(place(&of_task(task)), Place::Task(task));
        assert_eq!(place(&of_workstream(&workstream)), Place::Workstream(workstream));
        assert_eq!(place(&of_agent(&agent)), Place::Agent(agent));
        assert_eq!(place(&of_knowledge(&topic)), Place::Knowledge(topic));
        assert_eq!(place(CONFIG), Place::Furniture);
        assert_eq!(place(&of_file("templates/brief.md")), Place::Furniture);
    }

    #[test]
    fn what_no_entry_can_have_is_stray() {
        for path in [
            ".orchestrator/tasks/299833bc.yaml",
            ".orchestrator/tasks/2a/299833bc.yaml",
            ".orchestrator/tasks/29/299833BC.yaml",
            ".orchestrator/tasks/29/299833bc.yml",
            ".orchestrator/workstreams/a b.yaml",
            ".orchestrator/workstreams/sub/dir.yaml",
            ".orchestrator/knowledge/x.txt",
            "src/main.rs",
        ] {
            assert_eq!(place(path), Place::Stray, "{path}");
        }
    }
}
