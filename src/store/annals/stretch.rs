//! The file of the annals: stretches of entries, each of them a frame.

use std::ops::Range;

use sha2::{Digest as _, Sha256};

use crate::git::{Oid, OidMap, Repo};
use crate::model::{Event, TaskId, Timestamp};
use crate::store::frames::Frames;

const KIND: [u8; 8] = *b"annals\0\x02";
/// How much of the end of the file is read at first: the last 900 events, or so.
const END: usize = 1 << 16;

/// Where an event stands, and what it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) struct Entry {
    /// The commit that carries it.
    pub(in crate::store) commit: Oid,
    /// Its place among the events of that commit, in 24 bits: an import or a batch may bring many.
    pub(super) place: u32,
    pub(super) marks: u8,
    /// When it happened.
    pub(in crate::store) ts: i64,
    /// The latest time up to here: nothing of the locks that is earlier comes after it.
    pub(in crate::store) peak: i64,
    pub(super) id: u128,
    pub(super) agent: u64,
    pub(super) action: u32,
    pub(super) task: u32,
}

const ENTRY: usize = 72;
/// The bits of a place.
const PLACE: u32 = 0xff_ffff;
/// It names a task.
const TASK: u8 = 1;
/// It names a workstream.
const WORKSTREAM: u8 = 4;
/// It is no event, but the digest of an import in the commit's message.
const DIGEST: u8 = 2;

/// What one stretch and all before it come to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sum {
    pub(super) events: u64,
    pub(super) peak: i64,
    /// The newest id that begins with its time.
    pub(super) newest: u128,
    pub(super) digests: u32,
}

pub(super) const START: Sum = Sum { events: 0, peak: i64::MIN, newest: 0, digests: 0 };
/// Tip, base, sum.
const HEAD: usize = 20 + 20 + 8 + 8 + 16 + 4;

pub(super) struct Stretch {
    pub(super) tip: Oid,
    /// The tip of the one before it; none at the beginning.
    pub(super) base: Option<Oid>,
    pub(super) sum: Sum,
    entries: Range<usize>,
}

pub(super) struct Kept {
    pub(super) file: Frames,
    pub(super) stretches: OidMap<Stretch>,
}

impl Kept {
    pub(super) fn end(repo: &Repo) -> Self {
        let file = Frames::load_end(repo.common_dir(), "annals", KIND, END);
        let mut stretches = OidMap::default();
        let mut end = file.end();
        while let Some(payload) = file.last(end) {
            end = Frames::start_of(&payload);
            let Some(stretch) = stretch_of(&file.bytes, payload) else { break };
            stretches.insert(stretch.tip, stretch);
        }
        Self { file, stretches }
    }

    pub(super) fn whole(repo: &Repo) -> Self {
        let mut file = Frames::load(repo.common_dir(), "annals", KIND);
        let mut stretches = OidMap::default();
        file.each(|bytes, payload| match stretch_of(bytes, payload) {
            Some(stretch) => {
                stretches.insert(stretch.tip, stretch);
                true
            }
            None => false,
        });
        Self { file, stretches }
    }

    pub(super) fn none(repo: &Repo) -> Self {
        let file = Frames::load_end(repo.common_dir(), "annals", KIND, 0);
        Self { file, stretches: OidMap::default() }
    }

    pub(super) fn entries(&self, stretch: &Stretch) -> impl DoubleEndedIterator<Item = Entry> + '_ {
        self.file.bytes[stretch.entries.clone()].chunks_exact(ENTRY).map(Entry::unpack)
    }
}

/// What stands for an agent's name.
pub(in crate::store) fn mark_of_agent(agent: &str) -> u64 {
    let digest = Sha256::digest(agent);
    u64::from_le_bytes(digest[..8].try_into().unwrap_or_default())
}

/// What stands for an action's word.
pub(in crate::store) fn mark_of_action(word: &str) -> u32 {
    crc32fast::hash(word.as_bytes())
}

/// Whether an id begins with its time: a UUID of version 7.
pub(super) fn is_timed(id: u128) -> bool {
    (id >> 76) & 0xf == 7 && (id >> 62) & 0b11 == 0b10
}

fn place_in(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(PLACE).min(PLACE)
}

impl Entry {
    pub(super) fn of(commit: Oid, place: usize, event: &Event, id: u128) -> Self {
        let task = event.task_id().and_then(|id| u32::from_str_radix(id.as_str(), 16).ok());
        Self {
            commit,
            place: place_in(place),
            marks: if task.is_some() { TASK } else { 0 }
                | if event.text("workstream").is_some() { WORKSTREAM } else { 0 },
            ts: event.ts.millis(),
            peak: 0,
            id,
            agent: mark_of_agent(&event.agent),
            action: mark_of_action(event.action.word()),
            task: task.unwrap_or(0),
        }
    }

    pub(super) fn digest(commit: Oid, place: usize) -> Self {
        Self {
            commit,
            place: place_in(place),
            marks: DIGEST,
            ts: 0,
            peak: 0,
            id: 0,
            agent: 0,
            action: 0,
            task: 0,
        }
    }

    /// Whether it is no event.
    pub(super) fn is_digest(&self) -> bool {
        self.marks & DIGEST != 0
    }

    /// Its place among the events of its commit.
    pub(in crate::store) fn place(&self) -> usize {
        usize::try_from(self.place).unwrap_or(usize::MAX)
    }

    /// When it happened.
    pub(in crate::store) fn at(&self) -> Timestamp {
        Timestamp::from_millis(self.ts)
    }

    /// The task it names.
    pub(in crate::store) fn task(&self) -> Option<TaskId> {
        (self.marks & TASK != 0).then(|| TaskId::parse(&format!("{:08x}", self.task))).flatten()
    }

    /// Whether it names a workstream, by itself.
    pub(in crate::store) fn names_workstream(&self) -> bool {
        self.marks & WORKSTREAM != 0
    }

    /// Whether its id, in hex digits, begins with these.
    pub(in crate::store) fn begins_with(&self, digits: &str) -> bool {
        !self.is_digest() && format!("{:032x}", self.id).starts_with(digits)
    }

    /// What stands for its agent.
    pub(in crate::store) fn agent(&self) -> u64 {
        self.agent
    }

    /// Whether it may be of this action.
    pub(in crate::store) fn may_be(&self, action: u32) -> bool {
        self.action == action
    }

    fn pack(&self, bytes: &mut Vec<u8>) {
        bytes.extend_from_slice(self.commit.as_slice());
        bytes.extend_from_slice(&(self.place | u32::from(self.marks) << 24).to_le_bytes());
        bytes.extend_from_slice(&self.ts.to_le_bytes());
        bytes.extend_from_slice(&self.peak.to_le_bytes());
        bytes.extend_from_slice(&self.id.to_le_bytes());
        bytes.extend_from_slice(&self.agent.to_le_bytes());
        bytes.extend_from_slice(&self.action.to_le_bytes());
        bytes.extend_from_slice(&self.task.to_le_bytes());
    }

    fn unpack(bytes: &[u8]) -> Self {
        Self {
            commit: Oid::try_from(&bytes[..20]).expect("an id is 20 bytes"),
            place: u32::from_le_bytes(part(bytes, 20)) & PLACE,
            marks: bytes[23],
            ts: i64::from_le_bytes(part(bytes, 24)),
            peak: i64::from_le_bytes(part(bytes, 32)),
            id: u128::from_le_bytes(part(bytes, 40)),
            agent: u64::from_le_bytes(part(bytes, 56)),
            action: u32::from_le_bytes(part(bytes, 64)),
            task: u32::from_le_bytes(part(bytes, 68)),
        }
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..at + N).and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}

pub(super) fn pack(tip: Oid, base: Option<Oid>, sum: Sum, entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEAD + entries.len() * ENTRY + 4);
    bytes.extend_from_slice(tip.as_slice());
    bytes.extend_from_slice(base.as_ref().map_or(&[0; 20][..], |base| base.as_slice()));
    bytes.extend_from_slice(&sum.events.to_le_bytes());
    bytes.extend_from_slice(&sum.peak.to_le_bytes());
    bytes.extend_from_slice(&sum.newest.to_le_bytes());
    bytes.extend_from_slice(&sum.digests.to_le_bytes());
    entries.iter().for_each(|entry| entry.pack(&mut bytes));
    let length = u32::try_from(bytes.len() + 4).unwrap_or(u32::MAX);
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes
}

fn stretch_of(bytes: &[u8], payload: Range<usize>) -> Option<Stretch> {
    let entries = payload.start + HEAD..payload.end.checked_sub(4)?;
    let head = bytes.get(payload.start..entries.start)?;
    if entries.end < entries.start || entries.len() % ENTRY != 0 {
        return None;
    }
    let base = &head[20..40];
    Some(Stretch {
        tip: Oid::try_from(&head[..20]).ok()?,
        base: if base.iter().all(|byte| *byte == 0) { None } else { Some(Oid::try_from(base).ok()?) },
        sum: Sum {
            events: u64::from_le_bytes(part(head, 40)),
            peak: i64::from_le_bytes(part(head, 48)),
            newest: u128::from_le_bytes(part(head, 56)),
            digests: u32::from_le_bytes(part(head, 72)),
        },
        entries,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, EventId};

    #[test]
    fn each_of_many_events_of_one_commit_keeps_its_place() {
        let at = Timestamp::parse("2026-02-06T12:00:00Z").unwrap();
        let event = Event::new(at, "a", Action::TaskCreated, EventId::parse("e1").unwrap());
        let commit = Oid::try_from(&[7; 20][..]).unwrap();
        for event in [event.clone(), event.with("task_id", "ffffffff")] {
            for place in [0, 65_535, 65_536, 1 << 20] {
                let entry = Entry::of(commit, place, &event, 7);
                let payload = pack(commit, None, START, &[entry]);
                let kept = Entry::unpack(&payload[payload.len() - 4 - ENTRY..]);
                assert_eq!((kept, kept.place(), kept.task()), (entry, place, event.task_id()));
            }
        }
    }
}
