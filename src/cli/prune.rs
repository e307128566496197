//! Subcommands that are made only when the words lead there.
//!
//! A command line names one command of sixty. Making the definitions of all of them, and giving each what every
//! command takes, costs each start more than half a millisecond: so where words are read ([`for_words`]), only the
//! subcommands that they name are there. Help, completions and man pages still see the whole grammar, since
//! whatever builds a command makes its parts first.
//!
//! What words mean does not depend on commands that none of them names. So what is understood this way would
//! be understood so by the whole grammar; what is not has to be told by that, which knows what else there is.

use std::cell::RefCell;
use std::ffi::OsString;

use clap::error::Error;
use clap::{ArgMatches, Command, FromArgMatches, Subcommand};

thread_local! {
    /// The words that are being read; none where the whole grammar is asked for.
    static WORDS: RefCell<Option<Vec<OsString>>> = const { RefCell::new(None) };
}

/// Has `read` see no other subcommands of a [`Pruned`] than those that a word names.
pub fn for_words<R>(words: &[OsString], read: impl FnOnce() -> R) -> R {
    WORDS.set(Some(words.to_vec()));
    let done = read();
    WORDS.set(None);
    done
}

/// The subcommands of `T`: those that are named, where words are being read.
fn named<T: Subcommand>(command: Command) -> Command {
    WORDS.with_borrow(|words| {
        let Some(words) = words else { return T::augment_subcommands(command) };
        let mut all = T::augment_subcommands(Command::default());
        let is_named = |sub: &&mut Command| {
            let mut names = sub.get_all_aliases().chain([sub.get_name()]);
            names.any(|name| words.iter().any(|word| word == name))
        };
        let wanted = all.get_subcommands_mut().filter(is_named);
        command.subcommands(wanted.map(std::mem::take))
    })
}

/// The subcommands `T` of a command, made when that command is used: those that a word names, where words are read.
#[derive(Debug)]
pub struct Pruned<T>(pub T);

impl<T: FromArgMatches> FromArgMatches for Pruned<T> {
    fn from_arg_matches(words: &ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches(words).map(Self)
    }

    fn from_arg_matches_mut(words: &mut ArgMatches) -> Result<Self, Error> {
        T::from_arg_matches_mut(words).map(Self)
    }

    fn update_from_arg_matches(&mut self, words: &ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches(words)
    }

    fn update_from_arg_matches_mut(&mut self, words: &mut ArgMatches) -> Result<(), Error> {
        self.0.update_from_arg_matches_mut(words)
    }
}

impl<T: Subcommand> Subcommand for Pruned<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(named::<T>)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command.defer(T::augment_subcommands_for_update)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
