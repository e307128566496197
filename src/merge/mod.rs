//! Two versions of an entry become one: field by field, with the version that both come from.
//!
//! Pure values in, values out. What one side changed is taken; sets are merged as sets, texts line by line,
//! and a task's state as one thing (see its file `status`). Where the sides exclude each other the field is named
//! as a conflict, and the value has ours.
//!
//! - `merge(a, a, a) = a`, `merge(o, a, o) = a`, `merge(o, o, b) = b`.
//! - Which side is called ours does not matter, but for the order of lists and the values of fields in conflict.
//! - No value appears that neither side had; a merged text is made of lines of the three.
//!
//! [`rows`] does the same for the file's own lines, so that comments and keys that this version does not know
//! are kept, and [`marked`] marks conflicts in them.

mod agent;
mod fields;
mod knowledge;
pub mod lines;
mod sheet;
mod status;
mod task;
#[cfg(test)]
mod testing;
mod workstream;

pub use agent::agent;
pub use knowledge::knowledge;
pub use lines::{ConflictStyle, Markers};
pub use sheet::{Choice, marked, rows};
pub use task::task;
pub use workstream::workstream;

/// What came of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged<T> {
    /// The entity; of each field in conflict it has our side's value.
    pub value: T,
    /// The fields that both sides changed in ways that exclude each other, by their keys in the file.
    pub conflicts: Vec<&'static str>,
}
