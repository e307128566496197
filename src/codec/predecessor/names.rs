//! Names of the predecessor, which allowed any text, made into names of ours.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{AgentId, BadName, Resource, Topic, WorkstreamName};

use super::{BadNames, Options};

/// Why a name can't be taken, and the name that could be taken instead.
pub(super) struct Refused {
    pub(super) why: String,
    pub(super) better: Option<String>,
}

/// The names of one kind that were taken so far.
#[derive(Default)]
struct Taken {
    /// By what it became: what it was.
    by_name: HashMap<String, String>,
    /// The names that become files, without regard to case.
    files: HashMap<String, String>,
}

/// What becomes of every name.
pub(super) struct Names<'o> {
    options: &'o Options,
    used: BTreeSet<&'o str>,
    workstreams: Taken,
    agents: Taken,
    topics: Taken,
    resources: Taken,
    /// What agents were called before, where that differs.
    renamed_agents: BTreeMap<String, String>,
}

impl<'o> Names<'o> {
    pub(super) fn new(options: &'o Options) -> Self {
        Self {
            options,
            used: BTreeSet::new(),
            workstreams: Taken::default(),
            agents: Taken::default(),
            topics: Taken::default(),
            resources: Taken::default(),
            renamed_agents: BTreeMap::new(),
        }
    }

    pub(super) fn workstream(&mut self, given: &str) -> Result<WorkstreamName, Refused> {
        let name = self.legal(given, WorkstreamName::parse)?;
        self.workstreams.take_file(given, name.as_str())?;
        Ok(name)
    }

    /// An agent that registered.
    pub(super) fn registered(&mut self, given: &str) -> Result<AgentId, Refused> {
        let id = self.agent(given)?;
        self.agents.take_file(given, id.as_str())?;
        Ok(id)
    }

    /// An agent that is only named.
    pub(super) fn agent(&mut self, given: &str) -> Result<AgentId, Refused> {
        let id = self.legal(given, AgentId::parse)?;
        self.agents.take(given, id.as_str())?;
        if id.as_str() != given {
            self.renamed_agents.insert(given.to_owned(), id.to_string());
        }
        Ok(id)
    }

    pub(super) fn topic(&mut self, given: &str) -> Result<Topic, Refused> {
        let topic = self.legal(given, Topic::parse)?;
        self.topics.take_file(given, topic.as_str())?;
        Ok(topic)
    }

    pub(super) fn resource(&mut self, given: &str) -> Result<Resource, Refused> {
        let resource = self.legal(given, Resource::parse)?;
        self.resources.take(given, resource.as_str())?;
        Ok(resource)
    }

    /// Somebody who is named where any text may stand: renamed as the agents are, else kept.
    pub(super) fn somebody(&mut self, given: String) -> String {
        let renamed = self.renamed(&given).map(str::to_owned);
        self.renamed_agents.get(&given).cloned().or(renamed).unwrap_or(given)
    }

    /// The renames that no name answered to.
    pub(super) fn unused(&self) -> impl Iterator<Item = &'o str> {
        self.options.renames.keys().map(String::as_str).filter(|old| !self.used.contains(old))
    }

    fn renamed(&mut self, given: &str) -> Option<&'o str> {
        let (old, new) = self.options.renames.get_key_value(given)?;
        self.used.insert(old);
        Some(new)
    }

    fn legal<T>(&mut self, given: &str, parse: fn(&str) -> Result<T, BadName>) -> Result<T, Refused> {
        let wanted = self.renamed(given).unwrap_or(given);
        parse(wanted).or_else(|bad| match (self.options.bad_names, &bad.suggestion) {
            (BadNames::Slugify, Some(better)) => parse(better).map_err(Refused::from),
            (BadNames::Slugify | BadNames::Refuse, _) => Err(bad.into()),
        })
    }
}

impl From<BadName> for Refused {
    fn from(bad: BadName) -> Self {
        Self { why: bad.to_string(), better: bad.suggestion }
    }
}

impl Taken {
    /// Two names must not become one: nobody could tell them apart again.
    fn take(&mut self, given: &str, name: &str) -> Result<(), Refused> {
        let first = self.by_name.entry(name.to_owned()).or_insert_with(|| given.to_owned());
        if first == given {
            return Ok(());
        }
        let (first, given) = (first.escape_debug(), given.escape_debug());
        Err(Refused { why: format!("`{first}` and `{given}` would both be called `{name}`"), better: None })
    }

    fn take_file(&mut self, given: &str, name: &str) -> Result<(), Refused> {
        self.take(given, name)?;
        let first = self.files.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
        if first == name {
            return Ok(());
        }
        Err(Refused { why: format!("`{first}` and `{name}` differ only by case"), better: None })
    }
}
