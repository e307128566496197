//! `init`

use crate::model::{Change, Context, Edit, Operation, Refusal, View};

/// A board comes to be: its settings, its attributes, a note for people who meet it. The commit is its own
/// record; it carries no event, since the log counts from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Init {
    /// Paths below the board, with the text.
    pub files: Vec<(String, String)>,
}

impl Operation for Init {
    type Outcome = ();

    fn plan(&self, _view: &dyn View, _context: &Context<'_>) -> Result<Change<()>, Refusal> {
        let edits =
            self.files.iter().map(|(path, text)| Edit::File { path: path.clone(), text: text.clone() });
        Ok(Change {
            edits: edits.collect(),
            ..Change::new("init", ())
                .body("From here on, git history is the event log of the board in .orchestrator/.")
        })
    }
}
