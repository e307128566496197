//! What was read, together with what could not be: *unreadable is not absent*.
//!
//! A question about several entries of a board is answered with a [`Reading`]. What was found can't be had without
//! deciding about the rest: tell it together with the answer ([`Reading::note`]), refuse because of it
//! ([`Reading::require`]), or say why it does not matter ([`Reading::despite`]).

use super::{Fault, Unread};

impl Unread {
    /// What `asked` found; none where the very thing that it asked for is damaged, which is noted then.
    pub fn try_note<T>(&mut self, asked: Result<Option<T>, Fault>) -> Result<Option<T>, Fault> {
        match asked {
            Err(Fault::Damaged(damage)) => {
                self.add(damage);
                Ok(None)
            }
            other @ (Ok(_) | Err(Fault::Refused(_) | Fault::Unreadable(_))) => other,
        }
    }
}

/// What was found, and what could not be read on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "what could not be read has to be told, or be a reason to refuse"]
pub struct Reading<T> {
    found: T,
    unread: Unread,
}

impl<T> Reading<T> {
    /// Everything could be read.
    pub fn whole(found: T) -> Self {
        Self { found, unread: Unread::default() }
    }

    /// What was found, without what is `unread`.
    pub fn of(found: T, unread: Unread) -> Self {
        Self { found, unread }
    }

    /// What was found. What could not be read is added to what is told with the answer.
    pub fn note(self, unread: &mut Unread) -> T {
        unread.append(self.unread);
        self.found
    }

    /// What was found, if that is all there is: for decisions that an entry which can't be read might turn.
    pub fn require(self) -> Result<T, Fault> {
        match self.unread.into_damage().into_iter().next() {
            Some(first) => Err(Fault::Damaged(first)),
            None => Ok(self.found),
        }
    }

    /// What was found, whatever could not be read: only where no such entry can change the answer. Say why there.
    pub fn despite(self) -> T {
        self.found
    }

    /// The same of something that is made of what was found.
    pub fn map<U>(self, make: impl FnOnce(T) -> U) -> Reading<U> {
        Reading { found: make(self.found), unread: self.unread }
    }

    /// Whether everything could be read.
    pub fn is_whole(&self) -> bool {
        self.unread.is_empty()
    }

    /// What was found and what could not be read, to be judged separately.
    pub fn parts(self) -> (T, Unread) {
        (self.found, self.unread)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Damage;

    fn damage(path: &str, line: usize) -> Damage {
        Damage { path: path.to_owned(), line, column: 1, why: "torn".to_owned() }
    }

    fn reading() -> Reading<u8> {
        let mut unread = Unread::default();
        unread.extend([damage("b", 2), damage("a", 1), damage("b", 10), damage("a", 1)]);
        Reading::of(7, unread)
    }

    #[test]
    fn what_is_unread_is_told_by_place_and_once() {
        let mut unread = Unread::from(damage("c", 1));
        assert_eq!(reading().note(&mut unread), 7);
        let told: Vec<_> = unread.into_damage().into_iter().map(|one| (one.path, one.line)).collect();
        assert_eq!(
            told,
            [("a".to_owned(), 1), ("b".to_owned(), 2), ("b".to_owned(), 10), ("c".to_owned(), 1)]
        );
    }

    #[test]
    fn what_requires_all_is_refused_with_the_first_place() {
        let Err(Fault::Damaged(first)) = reading().require() else { panic!() };
        assert_eq!((first.path.as_str(), first.line), ("a", 1));
        assert_eq!(Reading::whole(7).require().unwrap(), 7);
        assert_eq!(reading().map(|found| found + 1).parts(), (8, reading().parts().1));
        assert!(!reading().is_whole() && Reading::whole(7).is_whole());
    }

    #[test]
    fn damage_of_one_entry_is_noted_and_other_faults_are_not() {
        let mut unread = Unread::default();
        assert_eq!(unread.try_note(Ok(Some(1))).unwrap(), Some(1));
        assert_eq!(unread.try_note::<u8>(Err(Fault::Damaged(damage("a", 1)))).unwrap(), None);
        assert!(unread.try_note::<u8>(Err(Fault::Unreadable("disk".into()))).is_err());
        assert_eq!(unread.into_damage(), [damage("a", 1)]);
    }
}
