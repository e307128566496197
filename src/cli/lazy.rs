//! Parts of the grammar that are made only when the words lead there.
//!
//! A command line names one command of sixty. Making the definitions of all of them cost each start half a
//! millisecond; help, completions and man pages still see the whole grammar, since whatever builds a command
//! makes its parts first.

use clap::error::Error;
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};

/// The arguments or subcommands `T` of a command, made when that command is used.
#[derive(Debug)]
pub struct Lazy<T>(pub T);

impl<T: FromArgMatches> FromArgMatches for Lazy<T> {
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

impl<T: Args> Args for Lazy<T> {
    fn augment_args(command: Command) -> Command {
        command.defer(T::augment_args)
    }

    fn augment_args_for_update(command: Command) -> Command {
        command.defer(T::augment_args_for_update)
    }
}

impl<T: Subcommand> Subcommand for Lazy<T> {
    fn augment_subcommands(command: Command) -> Command {
        command.defer(T::augment_subcommands)
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command.defer(T::augment_subcommands_for_update)
    }

    fn has_subcommand(name: &str) -> bool {
        T::has_subcommand(name)
    }
}
