//! A file of an entry as passages: the lines of each key, and what stands between them.

/// A key, the lines that are its own, and the comments and blank lines right above them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Passage {
    /// The key.
    pub key: String,
    /// What stands between the passage before and this one.
    pub above: String,
    /// From the key to the end of its value.
    pub lines: String,
}

/// All passages of a file, in its order. Nothing of the file is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// One for each key.
    pub passages: Vec<Passage>,
    /// What stands below the last one.
    pub tail: String,
}

impl Sheet {
    /// The passage of a key.
    pub fn get(&self, key: &str) -> Option<&Passage> {
        self.passages.iter().find(|passage| passage.key == key)
    }

    /// The lines of a key.
    pub fn lines(&self, key: &str) -> Option<&str> {
        self.get(key).map(|passage| passage.lines.as_str())
    }

    /// The text of the file. Only its last line may lack its end, whichever passage that was before.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let pieces = self.passages.iter().flat_map(|passage| [&passage.above, &passage.lines]);
        for piece in pieces.chain([&self.tail]).filter(|piece| !piece.is_empty()) {
            if !text.is_empty() && !text.ends_with('\n') {
                text.push_str(if text.contains("\r\n") { "\r\n" } else { "\n" });
            }
            text.push_str(piece);
        }
        text
    }
}
