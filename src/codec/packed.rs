//! Entities as compact bytes, for our own caches only: never committed, never exchanged.
//!
//! What is packed is unpacked as it was, with one exception: of an archived record's event only the id is
//! kept. Bytes of another version or damaged ones yield nothing, never a wrong entity: the caches that hold
//! them are checksummed and versioned.

use std::collections::BTreeMap;

use crate::model::{
    Action, AgentId, BoardPoint, Claim, Event, EventId, Finish, Imported, Nonce, Priority, Record, RecordKey,
    Standing, Status, Task, TaskId, Timestamp, WorkstreamName,
};

/// Bytes that grow.
#[derive(Debug, Default)]
pub(crate) struct Packer(pub(crate) Vec<u8>);

impl Packer {
    fn number(&mut self, number: u64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn signed(&mut self, number: i64) -> &mut Self {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    fn count(&mut self, count: usize) -> &mut Self {
        self.0.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        self
    }

    fn text(&mut self, text: &str) -> &mut Self {
        self.count(text.len());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn tag(&mut self, tag: u8) -> &mut Self {
        self.0.push(tag);
        self
    }

    fn optional<T>(&mut self, value: Option<T>, pack: impl FnOnce(&mut Self, T)) -> &mut Self {
        match value {
            None => {
                self.tag(0);
            }
            Some(value) => {
                self.tag(1);
                pack(self, value);
            }
        }
        self
    }

    fn optional_text(&mut self, text: Option<&str>) -> &mut Self {
        self.optional(text, |out, text| {
            out.text(text);
        })
    }

    fn optional_stamp(&mut self, at: Option<Timestamp>) -> &mut Self {
        self.optional(at, |out, at| {
            out.signed(at.millis());
        })
    }

    fn claim(&mut self, claim: Option<&Claim>) -> &mut Self {
        self.optional(claim, |out, claim| {
            out.text(claim.agent.as_str());
            out.optional_stamp(claim.claimed_at);
        })
    }

    /// One more task.
    pub(crate) fn task(&mut self, task: &Task) {
        self.0.extend_from_slice(task.id.as_str().as_bytes());
        match &task.status {
            Status::Pending => self.tag(0),
            Status::InProgress(claim) => self.tag(1).claim(Some(claim)),
            Status::Blocked { reason, claim } => self.tag(2).text(reason).claim(claim.as_ref()),
            Status::Done { claim, completed_at } => {
                self.tag(3).claim(claim.as_ref());
                self.optional_stamp(*completed_at)
            }
            Status::Cancelled { reason } => self.tag(4).text(reason),
        };
        self.text(task.workstream.as_str()).text(&task.title).number(task.epoch).signed(task.priority.0);
        self.optional_text(task.estimate.as_deref());
        self.count(task.depends_on.len());
        task.depends_on.iter().for_each(|id| self.0.extend_from_slice(id.as_str().as_bytes()));
        self.count(task.labels.len());
        for label in &task.labels {
            self.text(label);
        }
        self.signed(task.created_at.millis()).text(&task.created_by).text(&task.description);
        self.optional_text(task.result.as_deref());
        self.count(task.imported.0.len());
        for (key, stamp) in &task.imported.0 {
            self.text(key).text(stamp);
        }
    }

    /// One more record of a claim that is over; none if it is not.
    pub(crate) fn record(&mut self, record: &Record) -> Option<()> {
        let RecordKey::Claim(id) = &record.key else { return None };
        self.0.extend_from_slice(id.as_str().as_bytes());
        match &record.standing {
            Standing::Free => self.tag(0),
            Standing::Completed { agent, at, finish, result } => {
                self.tag(if *finish == Finish::Done { 1 } else { 2 });
                self.text(agent.as_str()).signed(at.millis());
                self.optional_text(result.as_deref())
            }
            Standing::Held { .. } | Standing::Unreadable { .. } => return None,
        };
        self.number(record.epoch);
        self.optional_text(record.nonce.as_ref().map(Nonce::as_str));
        self.optional_text(record.reason.as_deref());
        self.optional(record.board.as_ref(), |out, point| {
            out.text(&point.commit);
            out.optional_text(point.branch.as_deref());
        });
        self.optional(record.event.as_ref(), |out, event| {
            out.signed(event.ts.millis()).text(&event.agent).text(event.action.word());
            out.optional_text(event.id.as_ref().map(EventId::as_str));
        });
        Some(())
    }
}

/// Bytes that are read from the front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unpacker<'b>(pub(crate) &'b [u8]);

impl<'b> Unpacker<'b> {
    fn bytes(&mut self, count: usize) -> Option<&'b [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    fn number(&mut self) -> Option<u64> {
        self.bytes(8)?.try_into().ok().map(u64::from_le_bytes)
    }

    fn signed(&mut self) -> Option<i64> {
        self.bytes(8)?.try_into().ok().map(i64::from_le_bytes)
    }

    fn count(&mut self) -> Option<usize> {
        self.bytes(4)?.try_into().ok().map(|bytes| u32::from_le_bytes(bytes) as usize)
    }

    fn tag(&mut self) -> Option<u8> {
        Some(self.bytes(1)?[0])
    }

    fn text(&mut self) -> Option<&'b str> {
        let length = self.count()?;
        std::str::from_utf8(self.bytes(length)?).ok()
    }

    fn owned(&mut self) -> Option<String> {
        self.text().map(str::to_owned)
    }

    fn stamp(&mut self) -> Option<Timestamp> {
        self.signed().map(Timestamp::from_millis)
    }

    fn optional<T>(&mut self, unpack: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.tag()? {
            0 => Some(None),
            1 => unpack(self).map(Some),
            _ => None,
        }
    }

    fn many<T>(&mut self, mut unpack: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.count()?).map(|_| unpack(self)).collect()
    }

    fn id(&mut self) -> Option<TaskId> {
        TaskId::parse(std::str::from_utf8(self.bytes(8)?).ok()?)
    }

    fn agent(&mut self) -> Option<AgentId> {
        AgentId::parse(self.text()?).ok()
    }

    fn claim(&mut self) -> Option<Option<Claim>> {
        self.optional(|from| Some(Claim { agent: from.agent()?, claimed_at: from.optional(Self::stamp)? }))
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next task.
    pub(crate) fn task(&mut self) -> Option<Task> {
        let id = self.id()?;
        let status = match self.tag()? {
            0 => Status::Pending,
            1 => Status::InProgress(self.claim()??),
            2 => Status::Blocked { reason: self.owned()?, claim: self.claim()? },
            3 => Status::Done { claim: self.claim()?, completed_at: self.optional(Self::stamp)? },
            4 => Status::Cancelled { reason: self.owned()? },
            _ => return None,
        };
        Some(Task {
            id,
            status,
            workstream: WorkstreamName::parse(self.text()?).ok()?,
            title: self.owned()?,
            epoch: self.number()?,
            priority: Priority(self.signed()?),
            estimate: self.optional(Self::owned)?,
            depends_on: self.many(Self::id)?,
            labels: self.many(Self::owned)?,
            created_at: self.stamp()?,
            created_by: self.owned()?,
            description: self.owned()?,
            result: self.optional(Self::owned)?,
            imported: {
                let stamps = self.many(|from| Some((from.owned()?, from.owned()?)))?;
                Imported(BTreeMap::from_iter(stamps))
            },
        })
    }

    /// The next record.
    pub(crate) fn record(&mut self) -> Option<(TaskId, Record)> {
        let id = self.id()?;
        let standing = match self.tag()? {
            0 => Standing::Free,
            tag @ (1 | 2) => Standing::Completed {
                agent: self.agent()?,
                at: self.stamp()?,
                finish: if tag == 1 { Finish::Done } else { Finish::Cancelled },
                result: self.optional(Self::owned)?,
            },
            _ => return None,
        };
        let record = Record {
            key: RecordKey::Claim(id),
            standing,
            epoch: self.number()?,
            nonce: self.optional(|from| Nonce::parse(from.text()?))?,
            reason: self.optional(Self::owned)?,
            board: self.optional(|from| {
                Some(BoardPoint { commit: from.owned()?, branch: from.optional(Self::owned)? })
            })?,
            event: self.optional(|from| {
                let (ts, agent, action) = (from.stamp()?, from.owned()?, Action::from_word(from.text()?));
                let id = from.optional(|from| EventId::parse(from.text()?))?;
                Some(Event {
                    ts,
                    agent,
                    action,
                    fields: serde_json::Map::new(),
                    id,
                    derived: false,
                    line: None,
                })
            })?,
            commit: None,
        };
        Some((id, record))
    }
}
