//! Verbs on agents.

mod register;

pub use register::Register;
