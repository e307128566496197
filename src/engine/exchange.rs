//! Data directories of the predecessor, in and out.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, ErrorKind, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use crate::codec::predecessor::{self, BadNames, Input};
use crate::git::{bounded, directory::leaves};
use crate::model::{Code, Reading, Refusal, Unread, View};
use crate::ops::import::{Import, Imported};
use crate::views::{json, show, state};

use super::orchestrator::{Done, Orchestrator};
use super::outlet::Outlet;

/// Where the files of a data directory are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataFiles {
    /// `state.json`
    pub state: PathBuf,
    /// `events.jsonl`
    pub events: Option<PathBuf>,
    /// `knowledge/`
    pub knowledge: Option<PathBuf>,
    /// Whether the latter two have to be there.
    pub missing: Missing,
}

/// What it means that a file of a data directory is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missing {
    /// That the directory has none: only the directory was named.
    Allowed,
    /// A slip: somebody named that very file.
    Refused,
}

impl DataFiles {
    /// The files of a directory, under their usual names.
    pub fn of(directory: &Path) -> Self {
        Self {
            state: directory.join("state.json"),
            events: Some(directory.join("events.jsonl")),
            knowledge: Some(directory.join("knowledge")),
            missing: Missing::Allowed,
        }
    }
}

/// What to do about names that are not legal here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Renaming {
    /// Old name to new name.
    pub renames: Vec<(String, String)>,
    /// Whether each further bad name takes the nearest good one.
    pub bad_names: Slugify,
}

/// What happens to a bad name that no renaming mentions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slugify {
    /// The import is refused.
    #[default]
    No,
    /// It takes the nearest good name.
    Yes,
}

/// What an export does about entries that can't be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Damaged {
    /// Nothing is exported.
    #[default]
    Refuse,
    /// They are left out, and named.
    Skip,
}

/// What was imported, and what the reader noticed.
#[derive(Debug)]
pub struct ImportDone {
    /// Counts, and which locks were dropped.
    pub done: Done<Imported>,
    /// Sentences.
    pub remarks: Vec<String>,
}

/// Reads a data directory; everything that is wrong with it is named at once, and nothing is written.
pub fn read_data(files: &DataFiles, renaming: &Renaming) -> Result<Import, Refusal> {
    let input = Input {
        state: read(&files.state, LONGEST)?.ok_or_else(|| missing(&files.state))?,
        events: match &files.events {
            Some(path) => match (read(path, LONGEST)?, files.missing) {
                (None, Missing::Refused) => return Err(missing(path)),
                (read, Missing::Allowed | Missing::Refused) => read,
            },
            None => None,
        },
        knowledge: match &files.knowledge {
            Some(directory) => read_knowledge(directory, files.missing)?,
            None => BTreeMap::new(),
        },
    };
    let bad_names = match renaming.bad_names {
        Slugify::No => BadNames::Refuse,
        Slugify::Yes => BadNames::Slugify,
    };
    let options = predecessor::Options { renames: renaming.renames.iter().cloned().collect(), bad_names };
    let data = predecessor::read(&input, &options).map_err(|problems| predecessor::refusal(&problems))?;
    Ok(Import { data })
}

impl Orchestrator {
    /// Commits what was read, whole or not at all.
    pub fn import(&self, import: &Import) -> Result<ImportDone, Refusal> {
        Ok(ImportDone { done: self.run(import)?, remarks: import.data.remarks.clone() })
    }

    /// Writes a data directory that the predecessor reads; the number of files. A directory that has other
    /// files in it is refused. Where something can't be read, nothing is written either, unless `damaged` says so.
    pub fn export_all(&self, directory: &Path, damaged: Damaged) -> Result<Reading<usize>, Refusal> {
        let is_used = match fs::read_dir(directory) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == ErrorKind::NotFound => false,
            // What is in it can't be known.
            Err(error) => return Err(failed(directory, &error)),
        };
        if is_used {
            return Err(Refusal::new(Code::Exists, format!("`{}` is not empty", directory.display()))
                .hint("orchestrator export all <a new directory>"));
        }
        // All that may be refused is read before anything is written.
        let mut unread = Unread::default();
        let view = self.view()?.note(&mut unread);
        let state = state::state(&*view, self.now())?.note(&mut unread);
        let known = show::all_knowledge(&*view)?.note(&mut unread);
        if damaged == Damaged::Refuse && !unread.is_empty() {
            return Ok(Reading::of(0, unread));
        }
        // So is the log, which may be too long to be kept in memory: what fails in it fails here.
        let mut events = spooled(&*view)?;
        let outlet = Outlet::make(directory)?;
        let write = |name: &str, text: &str| match outlet.write_new(name, text.as_bytes())? {
            true => Ok(()),
            false => Err(Refusal::new(
                Code::Exists,
                format!("`{name}` has come into `{}` meanwhile", directory.display()),
            )),
        };
        write("state.json", &json::pretty(&state))?;
        let mut file = outlet.create("events.jsonl")?;
        std::io::copy(&mut events, &mut file)
            .map_err(|error| failed(&directory.join("events.jsonl"), &error))?;
        let mut count = 2;
        fs::create_dir_all(directory.join("knowledge")).map_err(|error| failed(directory, &error))?;
        for found in known {
            write(&format!("knowledge/{}.md", found.topic), &predecessor::document(&found))?;
            count += 1;
        }
        Ok(Reading::of(count, unread))
    }
}

/// All events as the predecessor has them, in a file without a name, from its beginning.
fn spooled(view: &dyn View) -> Result<fs::File, Refusal> {
    let spool = std::env::temp_dir();
    let mut out = BufWriter::new(tempfile::tempfile().map_err(|error| failed(&spool, &error))?);
    let mut written = Ok(());
    state::export_events(view, &mut |line| {
        written = writeln!(out, "{line}");
        written.is_ok()
    })?;
    let file = written.and_then(|()| out.into_inner().map_err(|error| error.into_error()));
    let rewound = file.and_then(|mut file| file.rewind().map(|()| file));
    rewound.map_err(|error| failed(&spool, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> Refusal {
    Refusal::new(Code::Unreadable, format!("`{}`: {error}", path.display()))
}

/// The most bytes of `state.json` and of `events.jsonl`, and of a document with its front matter.
const LONGEST: usize = 512 << 20;
const LONGEST_DOCUMENT: usize = 4 << 20;

/// The bytes of a plain file, of which there may be `limit`; none if it is not there. A link is not followed.
fn read(path: &Path, limit: usize) -> Result<Option<Vec<u8>>, Refusal> {
    match fs::symlink_metadata(path) {
        Ok(meta) if meta.is_file() => {
            bounded::file(path, limit).map(Some).map_err(|error| failed(path, &error))
        }
        Ok(_) => Err(Refusal::new(Code::Invalid, format!("`{}` is no regular file", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(path, &error)),
    }
}

fn missing(path: &Path) -> Refusal {
    Refusal::new(Code::NotFound, format!("there is no `{}`", path.display()))
        .hint("orchestrator import <directory with state.json>")
}

fn read_knowledge(directory: &Path, if_missing: Missing) -> Result<BTreeMap<String, Vec<u8>>, Refusal> {
    let mut found = BTreeMap::new();
    match (fs::metadata(directory), fs::symlink_metadata(directory)) {
        (Ok(meta), _) if meta.is_dir() => {}
        (Ok(_), _) => {
            return Err(Refusal::new(Code::Invalid, format!("`{}` is no directory", directory.display())));
        }
        (Err(error), Err(_)) if error.kind() == std::io::ErrorKind::NotFound => {
            return if if_missing == Missing::Refused { Err(missing(directory)) } else { Ok(found) };
        }
        // A link to nothing too: something is there, and can't be read.
        (Err(error), _) => return Err(failed(directory, &error)),
    }
    for leaf in leaves(directory).map_err(|(path, error)| failed(&path, &error))? {
        let path = &leaf.path;
        // The predecessor sees files that end in .md and nothing else.
        if path.extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let inside = path.strip_prefix(directory).unwrap_or(path);
        let name = inside.to_str().ok_or_else(|| {
            Refusal::new(Code::Invalid, format!("`{}` has a name that is not UTF-8", path.display()))
        })?;
        if let Some(bytes) = read(path, LONGEST_DOCUMENT)? {
            found.insert(name.to_owned(), bytes);
        }
    }
    Ok(found)
}

/// Moves a data directory that stands where the board will be aside; the new place. It stays untracked, and
/// is refused where git tracks files in it.
pub fn set_aside(data: &Path, board: &Path) -> Result<Option<PathBuf>, Refusal> {
    let same = match (data.canonicalize(), board.canonicalize()) {
        (Ok(data), Ok(board)) => data == board,
        _ => false,
    };
    if !same {
        return Ok(None);
    }
    let parent = board.parent().unwrap_or(Path::new("."));
    let names = (1..100).map(|n| match n {
        1 => ".orchestrator-predecessor".to_owned(),
        n => format!(".orchestrator-predecessor-{n}"),
    });
    let free = names.map(|name| parent.join(name)).find(|path| !path.exists());
    let aside =
        free.ok_or_else(|| Refusal::new(Code::Exists, "too many old data directories are kept aside"))?;
    fs::rename(board, &aside).map_err(|error| failed(board, &error))?;
    Ok(Some(aside))
}
