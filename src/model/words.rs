//! Words as others take them.

/// A word of a shell's command line that means `text`.
pub(crate) fn quoted(text: &str) -> String {
    let is_plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '%');
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// The same where a word stands by itself, which no program takes for an option then. It comes behind the options.
pub(crate) fn positional(text: &str) -> String {
    format!("{}{}", if text.starts_with('-') { "-- " } else { "" }, quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_can_be_pasted() {
        assert_eq!(quoted("src/main.rs"), "src/main.rs");
        assert_eq!(quoted("it's $HOME"), r"'it'\''s $HOME'");
        assert_eq!(quoted(""), "''");
        assert_eq!((positional("a b"), positional("-x y")), ("'a b'".into(), "-- '-x y'".into()));
    }
}
