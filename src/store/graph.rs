//! The commits of boards: which one leads to which, and the events that each carries.
//!
//! Whether a board contains a commit or an event is asked again and again, of histories that only grow. So the
//! graph is kept beside the repository (see [`super::frames`]): a commit's parents and message never change,
//! which is why what is known of a commit stays true on every branch and for ever. Only new commits are read.
//!
//! Commits before a board's birth are not walked. In a shallow clone nothing is kept, since what a commit's
//! parents are may change there.

use std::collections::HashMap;
use std::ops::Range;

use sha2::{Digest, Sha256};

use crate::codec::{message, path};
use crate::git::{Commit, GitError, Oid, OidMap, Repo};
use crate::model::EventId;

use super::frames::Frames;

const KIND: [u8; 8] = *b"graph\0\0\x01";
const ID: usize = 20;
const EVENT: usize = 16;

/// What is known of commits.
#[derive(Debug)]
pub(crate) struct Graph {
    file: Option<Frames>,
    nodes: Vec<Node>,
    index: OidMap<u32>,
    /// The nodes that carry an event; made when first asked for.
    carriers: HashMap<u128, Vec<u32>>,
    /// How many nodes `carriers` knows.
    carried: usize,
    /// How many nodes are in the file.
    kept: usize,
    /// Not all that the nodes lead to is known.
    has_gaps: bool,
}

#[derive(Debug)]
struct Node {
    id: Oid,
    parents: Vec<u32>,
    events: Vec<u128>,
}

/// A set of commits: some tips and all that they contain.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    bits: Vec<u64>,
}

impl Reach {
    fn has(&self, node: u32) -> bool {
        self.bits.get(node as usize / 64).is_some_and(|word| word >> (node % 64) & 1 == 1)
    }

    /// Adds a node; whether it is new.
    fn add(&mut self, node: u32) -> bool {
        let word = node as usize / 64;
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let is_new = !self.has(node);
        self.bits[word] |= 1 << (node % 64);
        is_new
    }
}

impl Graph {
    /// What is kept of this repository.
    pub(crate) fn load(repo: &Repo) -> Self {
        let mut graph = Self {
            file: None,
            nodes: Vec::new(),
            index: OidMap::default(),
            carriers: HashMap::new(),
            carried: 0,
            kept: 0,
            has_gaps: false,
        };
        if repo.is_shallow() {
            return graph;
        }
        let mut file = Frames::load(repo.common_dir(), "graph", KIND);
        file.each(|bytes, frame| graph.read_frame(&bytes[frame]).is_some());
        graph.kept = graph.nodes.len();
        graph.file = Some(file);
        graph
    }

    /// Takes the nodes of a frame, all or none.
    fn read_frame(&mut self, frame: &[u8]) -> Option<()> {
        let before = self.nodes.len();
        let read = self.read_nodes(frame);
        if read.is_none() {
            for node in self.nodes.drain(before..) {
                self.index.remove(&node.id);
            }
        }
        read
    }

    fn read_nodes(&mut self, mut rest: &[u8]) -> Option<()> {
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_checked(4 + ID)?;
            let parents = u16::from_le_bytes([head[0], head[1]]) as usize;
            let events = u16::from_le_bytes([head[2], head[3]]) as usize;
            let id = Oid::try_from(&head[4..]).ok()?;
            let (parents, tail) = tail.split_at_checked(parents * 4)?;
            let (events, tail) = tail.split_at_checked(events * EVENT)?;
            let number = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).ok();
            let parents: Vec<u32> = parents.chunks_exact(4).map(number).collect::<Option<_>>()?;
            if parents.iter().any(|parent| *parent as usize >= self.nodes.len())
                || self.index.contains_key(&id)
            {
                return None;
            }
            let event = |bytes: &[u8]| bytes.try_into().map(u128::from_le_bytes).ok();
            let events = events.chunks_exact(EVENT).map(event).collect::<Option<_>>()?;
            self.push(Node { id, parents, events });
            rest = tail;
        }
        Some(())
    }

    fn push(&mut self, node: Node) -> u32 {
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        self.index.insert(node.id, number);
        self.nodes.push(node);
        number
    }

    /// Makes these commits and all that they contain known. One that can't be read is passed over; the first of them is
    /// the answer, since what it leads to is not known then. So is the edge of a shallow clone.
    pub(crate) fn learn(&mut self, repo: &Repo, tips: &[Oid]) -> Result<Option<GitError>, GitError> {
        let mut gap: Option<GitError> = None;
        // A commit, whether it is on the board, and how many of its parents have been looked at.
        let mut open: Vec<(Commit, usize)> = Vec::new();
        let read = |id: Oid, is_tip: bool| -> Result<Commit, GitError> {
            let mut commit = repo.commit(id)?;
            let is_on_board = is_tip
                || message::is_ours(&commit.message)
                || repo.entry_at(commit.tree, path::BOARD)?.is_some();
            if !is_on_board {
                commit.parents.clear();
            }
            Ok(commit)
        };
        let mut look_at = |id: Oid, is_tip: bool| match read(id, is_tip) {
            Ok(commit) => Ok(Some(commit)),
            Err(error) if error.is_of_object() || matches!(error, GitError::Beyond { .. }) => {
                // Damage counts more than an edge.
                if gap.is_none() || matches!(gap, Some(GitError::Beyond { .. })) {
                    gap = Some(error);
                }
                Ok(None)
            }
            Err(other) => Err(other),
        };
        for tip in tips {
            if self.index.contains_key(tip) {
                continue;
            }
            let found = look_at(*tip, true)?;
            open.extend(found.map(|commit| (commit, 0)));
            while let Some((commit, looked)) = open.last_mut() {
                if let Some(parent) = commit.parents.get(*looked).copied() {
                    *looked += 1;
                    if !self.index.contains_key(&parent) {
                        let found = look_at(parent, false)?;
                        open.extend(found.map(|commit| (commit, 0)));
                    }
                } else if let Some((commit, _)) = open.pop()
                    && !self.index.contains_key(&commit.id)
                {
                    let parents =
                        commit.parents.iter().filter_map(|id| self.index.get(id).copied()).collect();
                    let (events, _) = message::events(&commit.message);
                    let events = events.iter().filter_map(|event| event.id.as_ref()).map(number_of).collect();
                    self.push(Node { id: commit.id, parents, events });
                }
            }
        }
        match gap {
            Some(_) => self.has_gaps = true,
            None if !self.has_gaps => self.keep(),
            None => {}
        }
        Ok(gap)
    }

    /// Whether something that was to become known could not be read.
    pub(crate) fn has_gaps(&self) -> bool {
        self.has_gaps
    }

    fn keep(&mut self) {
        let Some(file) = self.file.take_if(|_| self.nodes.len() > self.kept) else { return };
        let mut frame = Vec::new();
        for node in &self.nodes[self.kept..] {
            let (Ok(parents), Ok(events)) =
                (u16::try_from(node.parents.len()), u16::try_from(node.events.len()))
            else {
                return;
            };
            frame.extend_from_slice(&parents.to_le_bytes());
            frame.extend_from_slice(&events.to_le_bytes());
            frame.extend_from_slice(node.id.as_slice());
            node.parents.iter().for_each(|parent| frame.extend_from_slice(&parent.to_le_bytes()));
            node.events.iter().for_each(|event| frame.extend_from_slice(&event.to_le_bytes()));
        }
        // Once a process: what comes later is kept by the next one.
        file.append(&frame);
    }

    /// These commits and all that they contain. What is not known is left out.
    pub(crate) fn reach(&self, tips: impl IntoIterator<Item = Oid>) -> Reach {
        let mut reach = Reach::default();
        let mut open: Vec<u32> = tips.into_iter().filter_map(|tip| self.index.get(&tip).copied()).collect();
        open.retain(|node| reach.add(*node));
        while let Some(node) = open.pop() {
            open.extend(self.nodes[node as usize].parents.iter().filter(|parent| reach.add(**parent)));
        }
        reach
    }

    /// Whether a set contains this commit.
    pub(crate) fn has_commit(&self, reach: &Reach, commit: Oid) -> bool {
        self.index.get(&commit).is_some_and(|node| reach.has(*node))
    }

    /// Whether a commit of a set carries this event.
    pub(crate) fn has_event(&mut self, reach: &Reach, event: &EventId) -> bool {
        let new: Range<usize> = self.carried..self.nodes.len();
        self.carried = self.nodes.len();
        for number in new {
            for event in &self.nodes[number].events {
                self.carriers.entry(*event).or_default().push(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        self.carriers.get(&number_of(event)).is_some_and(|nodes| nodes.iter().any(|node| reach.has(*node)))
    }
}

/// An event's id in 128 bits: what its hex digits say.
pub(super) fn number_of(id: &EventId) -> u128 {
    let hex: String = id.as_str().chars().filter(|c| *c != '-').collect();
    let said = (hex.len() == 32).then(|| u128::from_str_radix(&hex, 16).ok()).flatten();
    said.unwrap_or_else(|| {
        let digest = Sha256::digest(id.as_str());
        let mut first = [0; EVENT];
        first.copy_from_slice(&digest[..EVENT]);
        u128::from_le_bytes(first)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    const EVENTS: [&str; 2] =
        ["019c3188-3a21-7000-8000-000000000001", "019c3188-3a21-7000-8000-000000000002"];

    /// Two commits of ours, a branch with one more, and a merge of the two.
    fn history(root: &std::path::Path) -> Vec<Oid> {
        let event = |id: &str| {
            format!(
                "orchestrator: x\n\nOrchestrator-Event: {{\"ts\":\"2026-02-06T07:37:39.745Z\",\"agent\":\"a\",\"action\":\"b\",\"id\":\"{id}\"}}"
            )
        };
        let commit = |message: &str| {
            git(root, &["commit", "-q", "--allow-empty", "-m", message]);
            Oid::from_hex(git(root, &["rev-parse", "HEAD"]).trim().as_bytes()).unwrap()
        };
        let one = commit(&event(EVENTS[0]));
        let two = commit("A hand's");
        git(root, &["switch", "-q", "-c", "side", &one.to_string()]);
        let side = commit(&event(EVENTS[1]));
        git(root, &["switch", "-q", "main"]);
        git(root, &["merge", "-q", "--no-ff", "-m", "Merge", "side"]);
        vec![one, two, side, Oid::from_hex(git(root, &["rev-parse", "HEAD"]).trim().as_bytes()).unwrap()]
    }

    fn check(graph: &mut Graph, ids: &[Oid]) {
        let event = |at: usize| EventId::parse(EVENTS[at]).unwrap();
        let [one, two, side, merge] = ids else { panic!() };
        for (tip, commits, events) in [
            (one, [true, false, false, false], [true, false]),
            (two, [true, true, false, false], [true, false]),
            (side, [true, false, true, false], [true, true]),
            (merge, [true, true, true, true], [true, true]),
        ] {
            let reach = graph.reach([*tip]);
            assert_eq!(ids.iter().map(|id| graph.has_commit(&reach, *id)).collect::<Vec<_>>(), commits);
            for (at, expected) in events.into_iter().enumerate() {
                assert_eq!(graph.has_event(&reach, &event(at)), expected, "{tip} {at}");
            }
        }
    }

    #[test]
    fn what_leads_where_is_told_and_kept() {
        let (dir, repo) = repository();
        // The first commit has no board, so what it would lead to is not walked.
        std::fs::create_dir(dir.path().join(".orchestrator")).unwrap();
        std::fs::write(dir.path().join(".orchestrator/config.yaml"), "format: 1\n").unwrap();
        git(dir.path(), &["add", "."]);
        let ids = history(dir.path());
        for tips in [&ids[..1], &ids[1..3], &ids[3..], &ids[..]] {
            let mut graph = Graph::load(&repo);
            graph.learn(&repo, tips).unwrap();
            if tips.len() == 4 {
                assert_eq!(graph.kept, graph.nodes.len(), "all of it was kept");
            }
            graph.learn(&repo, &ids).unwrap();
            check(&mut graph, &ids);
        }
        check(&mut Graph::load(&repo), &ids);
    }

    #[test]
    fn a_damaged_file_costs_nothing_but_time() {
        let (dir, repo) = repository();
        let ids = history(dir.path());
        Graph::load(&repo).learn(&repo, &ids).unwrap();
        let file = dir.path().join(".git/orchestrator/cache/graph");
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 0x04;
            for damaged in [&whole[..at], &flipped] {
                std::fs::write(&file, damaged).unwrap();
                let mut graph = Graph::load(&repo);
                graph.learn(&repo, &ids).unwrap();
                check(&mut graph, &ids);
            }
            check(&mut Graph::load(&repo), &ids);
        }
    }

    #[test]
    fn a_frame_that_makes_no_sense_is_not_used() {
        let (dir, repo) = repository();
        let ids = history(dir.path());
        let node = |parents: &[u32], id: u8| {
            let mut bytes = Vec::from(u16::try_from(parents.len()).unwrap().to_le_bytes());
            bytes.extend([0, 0]);
            bytes.extend([id; ID]);
            parents.iter().for_each(|parent| bytes.extend(parent.to_le_bytes()));
            bytes
        };
        for frame in [node(&[0], 1), [node(&[], 1), node(&[], 1)].concat(), vec![9; 30], vec![1, 0, 0]] {
            let mut file = Frames::load(repo.common_dir(), "graph", KIND);
            file.each(|_, _| false);
            file.append(&frame);
            let mut graph = Graph::load(&repo);
            assert!(graph.nodes.is_empty() && graph.index.is_empty());
            graph.learn(&repo, &ids).unwrap();
            check(&mut graph, &ids);
        }
    }
}
