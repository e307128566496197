//! The vocabulary: what a board consists of, and what may be said about it.
//!
//! Everything here is a plain value. Nothing reads a clock, a file or an environment variable, and
//! nothing knows YAML or git: those are the business of the floors above. A value that exists is
//! valid by construction (a [`TaskId`] is eight hex digits, a claimed task has a holder), so the code
//! above never checks twice.

mod agent;
mod change;
mod comparison;
mod context;
mod damage;
mod difference;
mod event;
mod fault;
mod finding;
mod flaw;
mod history;
mod id;
mod knowledge;
mod name;
mod past;
mod predecessor;
mod reading;
mod recent;
mod record;
mod refusal;
mod settings;
mod sheet;
mod task;
mod time;
mod view;
mod words;
mod workstream;

pub use agent::Agent;
pub use change::{Change, Edit, Operation, RecordEdit};
pub use comparison::{Between, Comparison, End, Pair, Point, Step, Stories, Subject};
pub use context::{Actor, Context, Mint};
pub use damage::{Damage, Unread};
pub use difference::{Compare, FieldChange, Turn};
pub use event::{Action, ENVELOPE, Event, TRUSTED};
pub use fault::Fault;
pub use finding::Finding;
pub use flaw::{Flaw, Severity};
pub use history::{
    Before, Blend, Content, Exhibit, FileChange, Link, LostEvent, Place, Prior, Saying, Side, Signed,
    Testimony, Whence, Wording,
};
pub use id::{EventId, Nonce, TaskId, TaskRef};
pub use knowledge::Knowledge;
pub use name::{AgentId, BadName, Resource, Topic, WorkstreamName};
pub(crate) use name::{is_blank, is_printable, typos};
pub use past::{Deed, Entity, EntityKey, Known, Named, Origin, Passage, Past, Version};
pub use predecessor::{Predecessor, PredecessorLock};
pub use reading::Reading;
pub use recent::{Collection, Recent};
pub use record::{BoardPoint, Finish, Record, RecordKey, Standing};
pub use refusal::{Code, Refusal};
pub(crate) use refusal::{grouped, listed};
pub use settings::{Durability, Settings};
pub use sheet::{Row, Sheet};
pub use task::{Claim, Imported, Landing, Priority, Rank, SeenTask, Status, Task};
pub use time::{BadTime, Bounds, Span, Timestamp};
pub use view::{Candidate, Candidates, EventFilter, Log, Updates, View};
pub(crate) use words::{positional, quoted};
pub use workstream::{Workstream, WorkstreamStatus};
