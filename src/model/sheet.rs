//! A file of an entry as rows: the lines of each key, and what stands between them.

/// A key, the lines that are its own, and the comments and blank lines right above them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// The key.
    pub key: String,
    /// What stands between the row before and this one.
    pub above: String,
    /// From the key to the end of its value.
    pub lines: String,
}

/// All rows of a file, in its order. Nothing of the file is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// One for each key.
    pub rows: Vec<Row>,
    /// What stands below the last one.
    pub tail: String,
}

impl Sheet {
    /// The row of a key.
    pub fn get(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    /// The lines of a key.
    pub fn lines(&self, key: &str) -> Option<&str> {
        self.get(key).map(|row| row.lines.as_str())
    }

    /// The text of the file. Only its last line may lack its end, whichever row that was before.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let pieces = self.rows.iter().flat_map(|row| [&row.above, &row.lines]);
        for piece in pieces.chain([&self.tail]).filter(|piece| !piece.is_empty()) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str(if text.contains("\r\n") { "\r\n" } else { "\n" });
            }
            text.push_str(piece);
        }
        text
    }
}
