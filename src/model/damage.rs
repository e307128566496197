//! Entries of a board that can't be read, by their places.

/// One file of the board that can't be understood. Every other entry still works.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{path}:{line}:{column}: {why}")]
pub struct Damage {
    /// From the repository's root, `/` between its parts.
    pub path: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// One sentence, lower case, no full stop.
    pub why: String,
}

/// The parts of a board that could not be read and that an answer is therefore without.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what could not be read has to be told"]
pub struct Unread(Vec<Damage>);

impl Unread {
    /// One more.
    pub fn add(&mut self, damage: Damage) {
        self.0.push(damage);
    }

    /// All of these, too.
    pub fn append(&mut self, more: Self) {
        self.0.extend(more.0);
    }

    /// Whether everything could be read.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What could not be read, by path and place, each once.
    pub fn into_damage(mut self) -> Vec<Damage> {
        self.0.sort();
        self.0.dedup();
        self.0
    }
}

impl Extend<Damage> for Unread {
    fn extend<I: IntoIterator<Item = Damage>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl From<Damage> for Unread {
    fn from(damage: Damage) -> Self {
        Self(vec![damage])
    }
}
