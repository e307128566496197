//! Documents as JSON text.

use std::fmt::Write;

use serde::Serialize;

use crate::model::is_printable;

/// The text that `JSON.stringify(value, null, 2)` gives, and a newline: two blanks a level, `[]` and `{}`
/// on one line, only what JSON demands escaped.
///
/// A value of ours always has a text; one that has none (a map with keys that are no text) gives `null`.
pub fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).unwrap_or_else(|_| "null".to_owned());
    text.push('\n');
    text
}

/// The same on one line, without the newline.
pub fn line<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// JSON text in which every character that does not print is escaped (newlines between values stay).
/// It means the same, and can do nothing to a terminal. Such characters can stand inside strings only.
pub fn for_terminal(json: String) -> String {
    if json.bytes().all(|byte| byte == b'\n' || (0x20..0x7f).contains(&byte)) {
        return json;
    }
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        if c == '\n' || is_printable(c) {
            text.push(c);
        } else {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn text_is_that_of_json_stringify() {
        assert_eq!(
            pretty(&json!({"a": [], "b": {}, "c": [1, {"d": "x\ny\u{1}é"}]})),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"x\\ny\\u0001é\"\n    }\n  ]\n}\n"
        );
    }

    #[test]
    fn nothing_reaches_the_terminal_that_does_not_print() {
        let hostile = json!({"a": "\u{1b}[2J\u{9b}\u{202e}\u{7f}\u{2028}ö😀"});
        let text = for_terminal(pretty(&hostile));
        assert!(text.chars().all(|c| c == '\n' || is_printable(c)), "{text}");
        assert!(text.contains("ö😀"));
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), hostile);
    }
}
