//! Git, through gix: the only room that uses it.
//!
//! It knows repositories, objects, refs, indexes and worktrees, and nothing of tasks. What gix leaves open is
//! closed here: refs are read fresh from disk and compared again while their locks are held, the index is
//! changed byte by byte under a lock whose owner can be proved, and files are replaced and never rewritten.

mod access;
mod attributes;
pub(crate) mod bounded;
mod child;
pub(crate) mod directory;
mod discovery;
mod durable;
mod environment;
mod error;
mod files;
mod history;
mod index;
mod index_lock;
mod linked_lock;
mod loose;
mod object;
mod ownership;
mod pack;
mod parallel;
mod promised;
mod ref_locks;
mod reflog;
mod refs;
mod repo;
mod shared;
mod sight;
mod signatures;
mod signing;
mod small;
#[cfg(test)]
pub(crate) mod testing;
mod tree;
mod upkeep;
mod way;
mod work_tree;
mod worktree;

pub(crate) use access::{How, Unusable};
pub(crate) use attributes::why_rewritten;
pub(crate) use error::{GitError, Sought};
pub(crate) use files::{Files, Stat};
pub(crate) use history::TreeChange;
pub(crate) use index::{Index, IndexEdit};
pub(crate) use index_lock::{IndexLock, PreparedIndexLock};
pub(crate) use object::{Commit, CommitDraft, Entry, EntryKind, Sign, Signature, blob_id};
pub(crate) use pack::KeptPack;
pub(crate) use parallel::in_parallel;
pub(crate) use promised::Lack;
pub(crate) use ref_locks::{Prepared, Tidy};
pub(crate) use refs::{RefEdit, Target, unreadable_ref};
pub(crate) use repo::{Head, Repo};
pub(crate) use shared::{create_dir_all, settle};
pub(crate) use sight::{Sight, Veil};
pub(crate) use signatures::Signed;
pub(crate) use signing::Signer;
pub(crate) use small::{is_no_file, plainly, read_own};
pub(crate) use worktree::{Worktree, operation_under_way};

/// The id of an object: 20 bytes of SHA-1.
pub(crate) type Oid = gix::ObjectId;

/// A map by object ids.
pub(crate) type OidMap<V> = gix::hashtable::HashMap<Oid, V>;
