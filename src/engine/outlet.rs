//! Files for somebody else than git: into a directory that was named, and into nothing that a link below it leads to.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::git::{Files, GitError, blob_id};
use crate::model::{Code, Refusal};
use crate::store;

/// A directory that files are written to. It may itself be reached through links; no link below it is followed, and
/// nothing is made where one stands in the way.
pub struct Outlet {
    root: PathBuf,
    files: Files,
}

impl Outlet {
    /// A directory that is there.
    pub fn at(root: &Path) -> Self {
        Self { root: root.to_owned(), files: Files::at(root) }
    }

    /// A directory that is made, with those above it, where it is not there.
    pub fn make(root: &Path) -> Result<Self, Refusal> {
        std::fs::create_dir_all(root).map_err(|error| {
            let why = match error.kind() {
                // Neither is it a directory, nor does it lead to one.
                ErrorKind::AlreadyExists | ErrorKind::NotADirectory => " is no directory".to_owned(),
                _ => format!(": {error}"),
            };
            Refusal::new(Code::Unreadable, format!("`{}`{why}", root.display()))
        })?;
        Ok(Self::at(root))
    }

    /// Makes a file, with the directories it needs. Refused where something of its name is there.
    pub fn create(&self, path: &str) -> Result<File, Refusal> {
        let made = self.files.create_new(path).map_err(|error| self.refusal(error))?;
        made.ok_or_else(|| self.is_there(path))
    }

    /// Writes a file that is not there yet, whole or not at all; whether it was not there.
    pub fn write_new(&self, path: &str, bytes: &[u8]) -> Result<bool, Refusal> {
        self.files.write_new(path, bytes).map_err(|error| self.refusal(error))
    }

    /// Writes a file in the place of a plain one of that name, or of none.
    pub fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let before = self.files.read(path).map_err(|error| self.refusal(error))?;
        let before = before.as_deref().map(blob_id);
        self.files.write(path, before, bytes).map(drop).map_err(|error| self.refusal(error))
    }

    fn is_there(&self, path: &str) -> Refusal {
        Refusal::new(Code::Exists, format!("`{}` is there already", self.root.join(path).display()))
    }

    fn refusal(&self, error: GitError) -> Refusal {
        match error {
            GitError::InTheWay { path, why } => {
                let place = self.root.join(path).display().to_string();
                Refusal::new(Code::InTheWay, format!("`{place}` is in the way: {why}; it was not written to"))
                    .hint(format!("ls -ld '{}'", place.replace('\'', r"'\''")))
            }
            other => store::refusal_of(other),
        }
    }
}
