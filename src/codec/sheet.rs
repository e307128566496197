//! Files as rows, for merging.

use crate::model::{Row, Sheet};

use super::Problem;
use super::yaml::Document;

/// The rows of an entry's file.
pub(crate) fn read(bytes: &[u8]) -> Result<Sheet, Problem> {
    Ok(Document::parse(bytes)?.sheet())
}

impl Document {
    /// Its rows; [`Sheet::text`] of them is the document.
    pub(super) fn sheet(&self) -> Sheet {
        let mut sheet = Sheet::default();
        let mut told = 0;
        for (key, lines) in self.extents() {
            let source = self.as_str();
            sheet.rows.push(Row {
                key: key.to_owned(),
                above: source[told..lines.start].to_owned(),
                lines: source[lines.clone()].to_owned(),
            });
            told = lines.end;
        }
        self.as_str()[told..].clone_into(&mut sheet.tail);
        sheet
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_a_file_is_left_out() {
        for text in [
            "",
            "# only\n",
            "a: 1",
            "# head\n\na: 1 # one\nb:\n  - x\n  # inside\n  - y\n\n# of c\nc: |\n  one\n\n  two\n\nd: \"x\n  y\"\n# tail\n",
            "a: 1\r\nb: 2\r\n",
            "---\na: 1\n...\n",
        ] {
            let sheet = read(text.as_bytes()).unwrap();
            assert_eq!(sheet.text(), text);
        }
        let sheet = read(b"a: 1\n# of b\nb:\n  - x\n").unwrap();
        assert_eq!((sheet.rows[1].above.as_str(), sheet.lines("b")), ("# of b\n", Some("b:\n  - x\n")));
    }
}
