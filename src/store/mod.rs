//! Typed storage: a board at a commit, one mutation of it, its log, its locks.
//!
//! Reading never writes. Writing goes through one door, [`Store::attempt`], which takes the advisory lock,
//! recovers what a dead process left, reads, plans, writes objects, and publishes refs as the last step.

mod advisory;
mod annals;
mod archive;
mod chains;
pub(crate) mod check;
pub(crate) mod compare;
mod derive;
pub(crate) mod doctor;
mod draft;
mod error;
mod follow;
mod frames;
mod graph;
mod history;
mod journal;
mod line;
mod log;
mod past;
mod placement;
mod presence;
mod presign;
mod queue;
mod records;
mod recover;
mod shelf;
mod snapshot;
mod standing;
mod transaction;
mod whereabouts;

pub(crate) use chains::{Reachable, each_link, each_testimony, lost_events};
pub(crate) use draft::Identity;
pub(crate) use error::{StoreError, refusal_of};
pub(crate) use history::{Stretch, read_exhibit};
pub(crate) use line::wait_for_turn;
pub(crate) use placement::{
    Board, CONFIG_KEY, MERGE_DRIVER_KEY, MERGE_NAME_KEY, Placement, choose, holds_board, named, short,
};
pub(crate) use presence::note as note_presence;
pub(crate) use records::{When, load as load_record};
pub(crate) use snapshot::Snapshot;
pub(crate) use transaction::{Committed, Store, hold, is_under_way};
