//! `merge-driver`: what git calls to merge a file of the board, and how git is told to.
//!
//! `.gitattributes` names the driver for everybody; the command behind that name is configuration, which git does not
//! copy to clones (it would run what a stranger wrote). So each clone registers it once, by `init`. Where nobody did,
//! git merges these files as text.

use std::fs;
use std::path::{Path, PathBuf};

use crate::codec::path;
use crate::git::{Repo, bounded};
use crate::merge::Markers;
use crate::model::{Code, Finding, Refusal, quoted};
use crate::store;

use super::env;
use super::merge::{self, MergedFile, Versions};
use super::orchestrator::Orchestrator;

/// The name of the program, as shells find it.
const PROGRAM: &str = "orchestrator";
/// What git shows for it.
const TITLE: &str = "orchestrator: files of the board, field by field";

/// What git hands to the driver.
#[derive(Clone, Debug)]
pub struct Driven {
    /// `%O`: the file with the version both come from; empty if there is none.
    pub base: PathBuf,
    /// `%A`: the file with our version. The result goes there.
    pub ours: PathBuf,
    /// `%B`: the file with the other version.
    pub theirs: PathBuf,
    /// `%P`: the path of the merged file, from the repository's root.
    pub place: String,
}

/// The most bytes of a file that is merged: nothing of a board is as long.
const LONGEST: usize = 64 << 20;

/// Merges the three files, and puts the result in the place of ours. Where that can't be done nothing is written.
pub fn drive(start: &Path, files: &Driven, markers: Markers) -> Result<MergedFile, Refusal> {
    let unreadable = |path: &Path, error: std::io::Error| {
        Refusal::new(Code::Unreadable, format!("`{}`: {error}", path.display()))
    };
    let read =
        |path: &Path| bounded::file(&start.join(path), LONGEST).map_err(|error| unreadable(path, error));
    let (base, ours, theirs) = (read(&files.base)?, read(&files.ours)?, read(&files.theirs)?);
    let versions = Versions { base: &base, ours: &ours, theirs: &theirs };
    let markers = Markers { style: merge::conflict_style(start), ..markers };
    let merged = merge::merge_file(&files.place, versions, &markers);
    fs::write(start.join(&files.ours), &merged.bytes).map_err(|error| unreadable(&files.ours, error))?;
    Ok(merged)
}

/// The command that git runs by its shell. What git fills in it quotes itself. If the program is gone, too old
/// or broken, the file is merged as text, as git would, rather than left as ours.
fn command(program: &str) -> String {
    format!(
        "{program} merge-driver --marker-size=%L --ours=%X --base=%S --theirs=%Y %O %A %B %P; s=$?; \
         if [ $s -gt 1 ]; then git merge-file --marker-size=%L -L %X -L %S -L %Y %A %O %B; else exit $s; fi"
    )
}

/// How a shell that git starts finds this program: by its name, or where it is now if it is not on the search path.
fn program() -> String {
    if env::search_path().iter().any(|directory| directory.join(PROGRAM).is_file()) {
        return PROGRAM.to_owned();
    }
    // `%` is git's, what stands between quotes is nobody's.
    let quoted =
        |path: PathBuf| format!("'{}'", path.display().to_string().replace('\'', r"'\''")).replace('%', "%%");
    let here = env::program().filter(|path| path.to_str().is_some());
    here.map_or_else(|| PROGRAM.to_owned(), quoted)
}

/// What is wrong with the driver that git has been told of in this clone, where the files of a board name it or a driver
/// of its name is there. None where git merges as it should.
pub(super) fn findings(repo: &Repo, is_named: bool) -> Option<Finding> {
    let told = |what: String, fix: String| {
        let place = format!("git config {}", store::MERGE_DRIVER_KEY);
        Some(Finding { code: "merge_driver", place, what, fix, is_fixed: false })
    };
    let Some(set) = repo.config_string(store::MERGE_DRIVER_KEY) else {
        let what =
            "this clone has not been told how to merge the files of the board; git merges them as text";
        return if is_named { told(what.to_owned(), "orchestrator init".to_owned()) } else { None };
    };
    let anew = || {
        let wanted = quoted(&command(&program()));
        format!("git config --replace-all {} {wanted}", store::MERGE_DRIVER_KEY)
    };
    let program = first_word(&set);
    if !is_program(&program) {
        let what = format!(
            "it runs `{}`, which is not there; git merges the files of the board as text",
            program.escape_debug()
        );
        return told(what, anew());
    }
    // The same program may be called by another name.
    let (_, arguments) = set.split_at(set.find(" merge-driver ").unwrap_or(0));
    if !command(PROGRAM).ends_with(arguments) || arguments.is_empty() {
        let what = "it is not the command that this version sets, and may merge in another way".to_owned();
        return told(what, anew());
    }
    if is_named {
        return None;
    }
    let what =
        "this clone has a driver, and no attribute has git use it: the files of the board are merged as text";
    let file = format!("{}/.gitattributes", path::BOARD);
    told(
        what.to_owned(),
        format!(
            "put these lines into {file}, and commit: {}",
            ATTRIBUTES.replace('\n', "; ").trim_end_matches("; ")
        ),
    )
}

/// The lines that name the driver, as `init` plants them.
const ATTRIBUTES: &str = "workstreams/*.yaml merge=orchestrator\ntasks/*/*.yaml merge=orchestrator\nagents/*.yaml merge=orchestrator\nknowledge/** merge=orchestrator\n";

/// The first word of a shell's line, without its quotes; `%%` is git's way to write `%`.
fn first_word(line: &str) -> String {
    let line = line.replace("%%", "%");
    let (mut word, mut quote) = (String::new(), None);
    let mut rest = line.trim_start().chars();
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '\'' | '"') => quote = Some(c),
            (Some(open), c) if c == open => quote = None,
            (None, '\\') => word.extend(rest.next()),
            (None, c) if c.is_whitespace() || c == ';' => break,
            (_, c) => word.push(c),
        }
    }
    word
}

/// Whether a shell would find this program. Of a word that it would expand nothing is known.
fn is_program(word: &str) -> bool {
    let is_file = |path: &Path| path.is_file();
    match word {
        word if word.contains(['$', '~', '`', '=']) => true,
        word if word.contains('/') => is_file(Path::new(word)),
        word => env::search_path().iter().any(|directory| is_file(&directory.join(word))),
    }
}

impl Orchestrator {
    /// Tells git how files of the board are merged in this clone, unless it has been told; whether it was told now.
    pub(super) fn register_merge_driver(&self) -> Result<bool, Refusal> {
        let repo = &self.store.repo;
        if repo.config_string(store::MERGE_DRIVER_KEY).is_some() {
            return Ok(false);
        }
        // The command last: it is what counts.
        self.configure(store::MERGE_NAME_KEY, TITLE)?;
        self.configure(store::MERGE_DRIVER_KEY, &command(&program()))?;
        Ok(true)
    }
}
