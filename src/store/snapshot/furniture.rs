//! The files of a board that are no entries: settings, attributes, templates.

use crate::codec::path;
use crate::git::EntryKind;
use crate::model::{Fault, Unread};

use super::{Snapshot, no_directory, whole_file};

const TEMPLATES: &str = "templates";
const ATTRIBUTES: &str = ".gitattributes";

impl Snapshot<'_> {
    /// The board's own template of this name, if it has one. One that is not UTF-8 is damage.
    pub(crate) fn template(&self, name: &str) -> Result<Option<String>, Fault> {
        let path = path::of_file(&format!("{TEMPLATES}/{name}"));
        let Some(stored) = self.file(&path)? else { return Ok(None) };
        String::from_utf8(stored.bytes).map(Some).map_err(|error| {
            let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
            let mut damage = whole_file(&path, "is not UTF-8");
            damage.line = line;
            Fault::Damaged(damage)
        })
    }

    /// What of all that can't be read, and what on the board's top floor is a link or a submodule.
    pub(super) fn furniture(&self) -> Result<Unread, Fault> {
        let mut unread = Unread::default();
        unread.extend(self.unsettled().cloned());
        for entry in self.list(path::BOARD)?.note(&mut unread) {
            if matches!(entry.kind, EntryKind::Link | EntryKind::Submodule) {
                unread.add(no_directory(&path::of_file(&entry.name), entry.kind));
            }
        }
        let _only_whether_it_can_be_read = unread.try_note(self.file(&path::of_file(ATTRIBUTES)))?;
        for entry in self.list(&path::of_file(TEMPLATES))?.note(&mut unread) {
            // Nothing below a directory in there is a template.
            if entry.kind != EntryKind::Tree {
                let _only_whether_it_can_be_read = unread.try_note(self.template(&entry.name))?;
            }
        }
        Ok(unread)
    }
}
