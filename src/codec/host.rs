//! Nothing in a message acts on a host: what a title, a reason or a name says to a forge or its CI is taken apart.
//!
//! Hosts read commit messages: `[skip ci]` switches CI off, `fixes #1` closes an issue, `@ada` calls somebody. One rule
//! for all of them says which sign acts ([`acts`]). In words a blank is put behind it (`[ skip ci]`, `# 1`, `@ ada`);
//! in JSON it is written as JSON's own escape, so that the value stays what it is. Signs between words, as in `C#` or
//! `a - b`, stay.

use std::borrow::Cow;

/// The key under which the line of an imported event lists which escapes are not its own.
const ESCAPES: &str = ",\"orchestrator_escapes\":[";

/// Whether the sign `c` would make a host act: `#1`, `@name`, `[word`, `!1` and `&1` (merge requests and epics),
/// `***NO_CI***`, `GH-1`, `skip-checks`, and the `//` of an address (hosts close issues by their address too).
fn acts(before: &str, c: char, after: &str) -> bool {
    let next = after.chars().next();
    let ends = |word: &str| {
        before
            .len()
            .checked_sub(word.len())
            .and_then(|at| before.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(word))
    };
    let is_word = next.is_some_and(char::is_alphanumeric);
    let is_number = next.is_some_and(|next| next.is_ascii_digit());
    match c {
        '#' | '@' | '[' => is_word,
        '!' | '&' => is_number,
        '*' => is_word && ends("**"),
        '-' => {
            is_number && ends("gh")
                || ends("skip") && after.get(..6).is_some_and(|word| word.eq_ignore_ascii_case("checks"))
        }
        '/' => ends(":/") && next.is_some_and(|next| !next.is_whitespace()),
        _ => false,
    }
}

/// Words in which no sign acts: each that would has a blank behind it. Doing it twice changes nothing more.
pub(super) fn words(text: &str) -> String {
    let mut apart = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        apart.push(c);
        if acts(&text[..at], c, &text[end..]) {
            apart.push(' ');
        }
    }
    apart
}

/// JSON that means the same, in which no sign acts; and where the escapes stand that this took, as offsets.
fn escaped(json: &str) -> (String, Vec<usize>) {
    let (mut text, mut escapes) = (String::with_capacity(json.len()), Vec::new());
    let mut chars = json.char_indices();
    let mut is_string = false;
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => is_string = !is_string,
            '\\' => {
                text.push(c);
                text.extend(chars.next().map(|(_, escaped)| escaped));
                continue;
            }
            c if is_string && c.is_ascii_punctuation() && acts(&json[..at], c, &json[at + 1..]) => {
                escapes.push(text.len());
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
    (text, escapes)
}

/// JSON that means the same, in which no sign acts.
pub(super) fn json(json: &str) -> String {
    escaped(json).0
}

/// The line of an imported event, in which no sign acts. Its bytes come back ([`restored`]), since its identity is made
/// of them: which escapes are not its own is said in its last field.
pub(super) fn imported(line: &str) -> String {
    let (text, escapes) = escaped(line);
    match text.strip_suffix('}') {
        Some(open) if !escapes.is_empty() || listed(line).is_some() => {
            let escapes: Vec<String> = escapes.iter().map(ToString::to_string).collect();
            format!("{open}{ESCAPES}{}]}}", escapes.join(","))
        }
        Some(_) | None => line.to_owned(),
    }
}

/// What stands before the list of escapes, and the list.
fn listed(line: &str) -> Option<(&str, &str)> {
    line.strip_suffix("]}")?.rsplit_once(ESCAPES)
}

/// The line as it was imported.
pub(super) fn restored(line: &str) -> Cow<'_, str> {
    let original = || {
        let (mut rest, list) = listed(line)?;
        let (mut text, mut told) = (String::with_capacity(rest.len() + 1), 0);
        for offset in list.split(',').filter(|_| !list.is_empty()) {
            let offset: usize = offset.parse().ok()?;
            let (before, escape) = rest.split_at_checked(offset.checked_sub(told)?)?;
            let hex = escape.get(..6)?.strip_prefix("\\u00")?;
            let sign = u8::from_str_radix(hex, 16).ok().filter(u8::is_ascii_punctuation)?;
            text.push_str(before);
            text.push(char::from(sign));
            (rest, told) = (&escape[6..], offset + 6);
        }
        Some(text + rest + "}")
    };
    original().map_or(Cow::Borrowed(line), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_words_acts_on_a_host() {
        for (text, apart) in [
            ("Fix [skip ci] and [CI-skip]", "Fix [ skip ci] and [ CI-skip]"),
            (
                "fixes #1, closes ada/repo#2, GH-3, gh-4, !5, &6",
                "fixes # 1, closes ada/repo# 2, GH- 3, gh- 4, ! 5, & 6",
            ),
            ("thanks @ada and @org/team", "thanks @ ada and @ org/team"),
            ("***NO_CI*** skip-checks: true", "*** NO_CI*** skip- checks: true"),
            ("closes https://host/a/b/issues/1", "closes https:// host/a/b/issues/1"),
            ("PAY-1 #close", "PAY-1 # close"),
            (
                "C# in UTF-8 costs 5 % & more! a - b, [ ] x * y, src/main.rs",
                "C# in UTF-8 costs 5 % & more! a - b, [ ] x * y, src/main.rs",
            ),
        ] {
            assert_eq!(words(text), apart);
            assert_eq!(words(apart), apart);
        }
    }

    #[test]
    fn json_means_the_same() {
        let line =
            r##"{"a":[1,2],"b":"[skip ci] fixes #1 \"@ada\" \\@x ***NO_CI***","#1":-1,"c":"https://x"}"##;
        let quiet = json(line);
        assert_eq!(
            quiet,
            r##"{"a":[1,2],"b":"\u005bskip ci] fixes \u00231 \"\u0040ada\" \\\u0040x **\u002aNO_CI***","\u00231":-1,"c":"https:/\u002fx"}"##
        );
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&quiet), value(line));
        assert_eq!(json(&quiet), quiet);
    }

    #[test]
    fn an_imported_line_comes_back_byte_for_byte() {
        for line in [
            r##"{"ts":"x"}"##,
            r##"{"ts":"@ada \u0040ada [skip ci]", "n":[1]}"##,
            r##"{"ts":"#1","orchestrator_escapes":[7]}"##,
            r##"{"ts":"x","orchestrator_escapes":[]}"##,
            r##"{"ts":"é@ada","a":[]}"##,
        ] {
            let written = imported(line);
            assert_eq!(restored(&written), line, "{written}");
            assert!(serde_json::from_str::<serde_json::Value>(&written).is_ok(), "{written}");
            assert!(
                !written.contains("@a") && !written.contains("[s") && !written.contains("#1"),
                "{written}"
            );
        }
        // What nobody wrote this way stays as it is.
        for line in
            [r##"{"ts":"x","orchestrator_escapes":[99]}"##, r##"{"ts":"x","orchestrator_escapes":[a]}"##]
        {
            assert_eq!(restored(line), line);
        }
    }
}
