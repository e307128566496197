//! Field by field: what both sides say, and what neither of them can be made to say.

use std::collections::HashSet;
use std::hash::Hash;

use crate::model::Timestamp;

use super::lines;

/// Takes the fields of an entity, one after the other, and remembers which of them are in conflict.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) conflicts: Vec<&'static str>,
}

impl Fields {
    /// Notes that both sides changed a field in ways that exclude each other.
    pub(super) fn conflict(&mut self, field: &'static str) {
        if !self.conflicts.contains(&field) {
            self.conflicts.push(field);
        }
    }

    /// A value of one piece: what one side changed; ours, in conflict, where both did. `base` is none where
    /// there was no such entity.
    pub(super) fn value<T: Clone + PartialEq>(
        &mut self,
        field: &'static str,
        base: Option<&T>,
        ours: &T,
        theirs: &T,
    ) -> T {
        if ours == theirs || base == Some(theirs) {
            return ours.clone();
        }
        if base == Some(ours) {
            return theirs.clone();
        }
        self.conflict(field);
        ours.clone()
    }

    /// A text of lines.
    pub(super) fn text(&mut self, field: &'static str, base: &str, ours: &str, theirs: &str) -> String {
        match lines::merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes()) {
            // Cut at line breaks, texts stay texts.
            Some(text) => String::from_utf8(text).unwrap_or_else(|_| ours.to_owned()),
            None => {
                self.conflict(field);
                ours.to_owned()
            }
        }
    }

    /// A text of lines that may be missing.
    pub(super) fn optional_text(
        &mut self,
        field: &'static str,
        base: Option<&String>,
        ours: &Option<String>,
        theirs: &Option<String>,
    ) -> Option<String> {
        match (ours, theirs) {
            (Some(one), Some(two)) => Some(self.text(field, base.map_or("", String::as_str), one, two)),
            _ => self.value(field, Some(&base.cloned()), ours, theirs),
        }
    }

    /// When and by whom something was made. Where two made it, the first one did.
    pub(super) fn birth(
        &mut self,
        fields: [&'static str; 2],
        base: Option<(Timestamp, &String)>,
        ours: (Timestamp, &String),
        theirs: (Timestamp, &String),
    ) -> (Timestamp, String) {
        let (at, by) = if ours == theirs || base == Some(theirs) {
            ours
        } else if base == Some(ours) {
            theirs
        } else {
            if ours.0 == theirs.0 {
                self.conflict(fields[1]);
            }
            if theirs.0 < ours.0 { theirs } else { ours }
        };
        (at, by.clone())
    }
}

/// A list that is a set: what either side added, without what either took away. Ours first, in its order.
pub(super) fn set<T: Clone + Eq + Hash>(base: &[T], ours: &[T], theirs: &[T]) -> Vec<T> {
    if ours == theirs || base == theirs {
        return ours.to_vec();
    }
    if base == ours {
        return theirs.to_vec();
    }
    let sets: [HashSet<&T>; 3] = [base, ours, theirs].map(|items| items.iter().collect());
    let stays = |item: &&T| match sets[0].contains(*item) {
        true => sets[1].contains(*item) && sets[2].contains(*item),
        false => true,
    };
    let mut seen = HashSet::new();
    ours.iter().chain(theirs).filter(stays).filter(|item| seen.insert(*item)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_either_side_added_and_not_what_either_took_away() {
        assert_eq!(set(&["a", "b", "c"], &["b", "c", "x"], &["a", "b", "y", "x"]), ["b", "x", "y"]);
        assert_eq!(set(&["a"], &["a"], &["b", "a"]), ["b", "a"]);
        assert_eq!(set(&[], &["a"], &["b"]), ["a", "b"]);
        assert_eq!(set(&["a", "b"], &["b"], &["a"]), [""; 0]);
    }
}
