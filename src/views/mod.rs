//! What can be told of a board: pure functions from a [`View`](crate::model::View) to documents.
//!
//! A document is a value that people and machines can read. It serialises as the predecessor's JSON did:
//! its keys first and in its order (`null` where it had `null`), then ours, only where they are set; and
//! it reads back as the same value. Stamps are text as [`Timestamp`](crate::model::Timestamp) prints it
//! (or, for imported entities, as the predecessor wrote it); words such as "12 minutes" are the
//! business of [`words`], which makes text for people.
//!
//! Nothing here reads a clock: `now` is an argument. What could not be read is left out of a document and handed out
//! beside it (a [`Reading`](crate::model::Reading)), for whoever prints the document to tell. Texts are handed out as they are; whoever prints them decides how, with
//! [`json::for_terminal`] for JSON. The one exception is [`brief`], which quotes what others wrote.

pub mod agents;
pub mod board;
pub mod brief;
pub mod check;
pub mod collect;
pub mod diff;
pub mod document;
pub mod events;
pub mod json;
pub mod knowledge;
pub mod locks;
pub mod plan;
pub mod resolve;
pub mod search;
pub mod show;
pub mod state;
pub mod status;
pub mod story;
pub mod style;
pub mod tasks;
pub mod verify;
pub mod words;

mod material;
mod named;
mod newest;
mod quote;
mod ready;
mod relevance;
mod template;

#[cfg(test)]
pub(crate) mod fake;
