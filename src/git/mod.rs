//! Git, through gix.
