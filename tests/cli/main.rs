//! The program as its users meet it: real processes in real repositories, hermetic and repeatable.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)] // A test fails by a panic.

mod bad_input;
mod bad_kinds;
mod batch;
mod bytes;
mod cache;
mod check;
mod concurrency;
mod cycle;
mod disk;
mod doctor;
mod exchange;
mod exits;
mod faults;
mod guide;
mod json;
mod landing;
mod leases;
mod life;
mod limits;
mod merges;
mod partial;
mod placements;
mod pull_requests;
mod races;
mod records;
mod recovery;
mod review;
mod signing;
mod story;
mod support;
mod tampering;
mod terminal;
mod time_travel;
mod tour;
mod undo;
mod unreadable;
mod user_matrix;
mod user_work;
mod verify;
mod words;
mod work;
mod world;
