//! How one text is written so that every YAML reader gives the same text back, and what a plain scalar means here.
//!
//! A text is written plain only where YAML 1.1 and 1.2 readers agree; one that looks like something else to either is
//! put in double quotes. Several lines become a literal block (`|`, `|-`, `|+`). What a block can't hold exactly, or
//! what an editor would spoil or a reviewer couldn't see, is quoted with escapes: control characters, a carriage return,
//! the Unicode line separators, a byte order mark, text direction overrides, lines of nothing but blanks.

use super::value::Value;

/// How a text is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// As it is.
    Plain,
    /// Between double quotes, with escapes.
    Quoted,
    /// As a literal block.
    Block,
}

/// The style that holds `text` exactly and is best to read.
pub(super) fn style(text: &str) -> Style {
    if is_plain(text) {
        Style::Plain
    } else if fits_block(text) {
        Style::Block
    } else {
        Style::Quoted
    }
}

/// What the plain scalar `source` means.
pub(super) fn meaning(source: &str) -> Value {
    match source {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        _ if is_stamp(source) => Value::Stamp(source.to_owned()),
        _ => match source.parse::<i64>() {
            // Only the spelling that would be written: `+5`, `007` and `-0` stay as they are.
            Ok(number) if number.to_string() == source => Value::Int(number),
            Ok(_) | Err(_) => Value::Text(source.to_owned()),
        },
    }
}

/// Whether `text` has the shape of a moment: `2026-02-06T07:37:39.745Z`, with or without a fraction, or with an offset
/// such as `+01:00` for the `Z`.
pub(super) fn is_stamp(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((head, tail)) = bytes.split_at_checked(19) else {
        return false;
    };
    if !has_shape(head, b"0000-00-00T00:00:00") {
        return false;
    }
    let zone = match tail.split_first() {
        Some((b'.', rest)) => {
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if digits == 0 || digits > 9 {
                return false;
            }
            &rest[digits..]
        }
        Some(_) | None => tail,
    };
    zone == b"Z" || has_shape(zone, b"+00:00") || has_shape(zone, b"-00:00")
}

/// Whether `text` is `shape`, where a `0` in the shape stands for any digit.
fn has_shape(text: &[u8], shape: &[u8]) -> bool {
    text.len() == shape.len()
        && text.iter().zip(shape).all(|(byte, want)| match want {
            b'0' => byte.is_ascii_digit(),
            other => byte == other,
        })
}

/// Whether `key` may stand before a colon as it is.
pub(super) fn is_plain_key(key: &str) -> bool {
    is_plain(key) && !key.contains(':')
}

/// Whether every YAML reader takes `text`, written as it is after `key: ` or `- `, for this very text.
pub(super) fn is_plain(text: &str) -> bool {
    let (Some(first), Some(last)) = (text.chars().next(), text.chars().next_back()) else {
        return false;
    };
    // All indicators, `~`, `=`, `<<`, `.5`, `+1` and `-1` fall to this list of what is known to be harmless.
    let starts_well = first.is_alphanumeric() || matches!(first, '/' | '_' | '(' | '$');
    starts_well
        && !last.is_whitespace()
        && last != ':'
        && text.chars().all(is_plainly_visible)
        && !text.contains(": ")
        && !text.contains(" #")
        && !is_word_of_yaml(text)
        && !looks_like_number_or_date(text)
}

/// A character that stands for itself on one line, in every style, and that a reviewer can see or ignore safely.
pub(super) fn is_plainly_visible(character: char) -> bool {
    !matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
        // Text direction: what a reviewer sees would not be what a program reads.
        | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The words that YAML 1.1 or 1.2, in any case, takes for a truth value, nothing or a number.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: [&str; 13] =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "infinity"];
    text.len() <= 8 && WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
}

/// Whether some reader might see a number (decimal, octal, hexadecimal, binary, base 60, with an exponent, with
/// underscores), a date or a version of one. Says yes too often rather than too seldom: quotes do no harm.
fn looks_like_number_or_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let only =
        |rest: &[u8], more: &[u8]| rest.iter().all(|byte| byte.is_ascii_digit() || more.contains(byte));
    if only(bytes, b"_.,:+-eE ") {
        return true;
    }
    if let Some(rest) = bytes.strip_prefix(b"0") {
        match rest.split_first() {
            Some((b'x' | b'X', rest)) if only(rest, b"abcdefABCDEF_") => return true,
            Some((b'b' | b'B' | b'o' | b'O', rest)) if only(rest, b"_") => return true,
            Some(_) | None => {}
        }
    }
    // `2026-01-01`, `2001-1-1T1:02:03`, `2001-12-14 21:59:43.10 -5`, and what comes after it, whatever it is.
    bytes.len() >= 8
        && has_shape(&bytes[..5], b"0000-")
        && bytes[5].is_ascii_digit()
        && bytes[6..].iter().take(2).any(|byte| *byte == b'-')
}

/// Whether a literal block holds `text` exactly, in every reader and through every editor.
fn fits_block(text: &str) -> bool {
    text.contains('\n')
        && text.chars().all(|character| is_plainly_visible(character) || matches!(character, '\n' | '\t'))
        && text.lines().all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty())
        && text.lines().any(|line| !line.is_empty())
}

/// The indicators of a literal block that holds `text`: `|`, `|-`, `|+`, with `2` where the first line of content starts
/// with a blank. (A reader would take leading spaces for indentation, and some stumble over a leading tab.)
pub(super) fn block_header(text: &str) -> &'static str {
    let first = text.lines().find(|line| !line.is_empty()).unwrap_or("");
    let indented = first.starts_with([' ', '\t']);
    let ends = text.len() - text.trim_end_matches('\n').len();
    match (indented, ends) {
        (false, 0) => "|-",
        (false, 1) => "|",
        (false, _) => "|+",
        (true, 0) => "|2-",
        (true, 1) => "|2",
        (true, _) => "|2+",
    }
}

/// Appends `text` in double quotes. Any text has such a form, on one line.
pub(super) fn push_quoted(out: &mut String, text: &str) {
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            visible if is_plainly_visible(visible) => out.push(visible),
            hidden => {
                let code = u32::from(hidden);
                out.push_str(&match code {
                    0..=0xff => format!("\\x{code:02X}"),
                    _ => format!("\\u{code:04X}"),
                });
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What a YAML 1.1 reader (libyaml with PyYAML or Psych on top) takes for something other than text, and
    /// what would break a line.
    pub(in crate::codec) const LOOK_ALIKES: &[&str] = &[
        "",
        " ",
        "~",
        "null",
        "Null",
        "NULL",
        "y",
        "Y",
        "n",
        "N",
        "yes",
        "Yes",
        "YES",
        "no",
        "No",
        "NO",
        "on",
        "On",
        "ON",
        "off",
        "Off",
        "OFF",
        "true",
        "True",
        "TRUE",
        "false",
        "False",
        "FALSE",
        "0",
        "1",
        "-1",
        "+1",
        "12345678",
        "1234e567",
        "1e3",
        "1E3",
        "1e+3",
        "12e03",
        "-12.5",
        "685.230_15e+03",
        "685_230.15",
        "190:20:30.15",
        ".5",
        "5.",
        "1.5",
        "1.2.3",
        ".inf",
        "-.inf",
        "+.INF",
        ".nan",
        ".NaN",
        "0x1f",
        "0X1F",
        "0x_0A_74_AE",
        "0o7",
        "0o14",
        "014",
        "0b1010",
        "0b1010_0111",
        "1_000",
        "685_230",
        "190:20:30",
        "12:30",
        "12:30:45",
        "2026-01-01",
        "2001-1-1",
        "2026-02-06T07:37:39.745Z",
        "2001-12-14t21:59:43.10-05:00",
        "2001-12-14 21:59:43.10 -5",
        "2001-12-15 2:59:43.10",
        "=",
        "<<",
        "-",
        "- a",
        "--- a",
        "---",
        "...",
        "?",
        "? a",
        ":",
        ": a",
        "a:",
        "a: b",
        "a #b",
        "#a",
        "&a",
        "*a",
        "!a",
        "!!str a",
        "|",
        ">",
        "%YAML",
        "@a",
        "`a`",
        "'a'",
        "\"a\"",
        "[a]",
        "{a: b}",
        ",a",
        "]",
        "}",
        " a",
        "a ",
        "\ta",
        "a\t",
        "nan",
        "inf",
    ];

    #[test]
    fn what_a_yaml_1_1_or_1_2_reader_sees_as_something_else_is_quoted() {
        for text in LOOK_ALIKES {
            assert_ne!(style(text), Style::Plain, "{text:?}");
        }
    }

    #[test]
    fn harmless_text_stays_plain() {
        for text in [
            "299833bc",
            "Add crypto payments to SnapAPI",
            "3D model",
            "agent-1",
            "in_progress",
            "http://example.org/a?b=c#d",
            "say \"hi\", don't [panic]!",
            "src/main.rs",
            "/etc/hosts",
            "100% & more",
            "Größe prüfen",
            "修复错误",
            "a:b",
            "yesterday",
            "nothing",
            "deadbeef",
            "12 monkeys",
        ] {
            assert_eq!(style(text), Style::Plain, "{text:?}");
        }
    }

    #[test]
    fn a_block_is_chosen_only_where_it_is_exact() {
        for (text, want) in [
            ("a\nb", "|-"),
            ("a\nb\n", "|"),
            ("a\n", "|"),
            ("a\n\n", "|+"),
            ("\na\n", "|"),
            (" a\nb\n", "|2"),
            ("\n\n  a\nb", "|2-"),
            ("\tall:\n\tmake\n\n", "|2+"),
            ("# heading\n---\n...\n", "|"),
            ("a  \nb\n", "|"),
        ] {
            assert_eq!(style(text), Style::Block, "{text:?}");
            assert_eq!(block_header(text), want, "{text:?}");
        }
        for text in [
            "\n",
            "\n\n",
            "a\n \nb",
            "a\n\t\nb",
            "a\r\nb",
            "a\nb\u{7}",
            "a\n\u{85}",
            "a\n\u{2028}b",
            "\u{feff}a\nb",
            "a\n\u{202e}b",
            "a\n  ",
        ] {
            assert_eq!(style(text), Style::Quoted, "{text:?}");
        }
    }

    #[test]
    fn a_plain_scalar_means_a_number_only_in_its_canonical_spelling() {
        assert_eq!(meaning("5"), Value::Int(5));
        assert_eq!(meaning("-12"), Value::Int(-12));
        assert_eq!(meaning("9223372036854775807"), Value::Int(i64::MAX));
        for text in [
            "01234567",
            "+5",
            "-0",
            "1_000",
            "0x1f",
            "1e3",
            "1.5",
            "9223372036854775808",
            "no",
            "True",
            "2026-01-01",
        ] {
            assert_eq!(meaning(text), Value::Text(text.to_owned()));
        }
    }

    #[test]
    fn a_stamp_is_known_by_its_shape() {
        for text in [
            "2026-02-06T07:37:39.745Z",
            "2026-02-06T07:37:39Z",
            "2026-02-06T07:37:39.1+01:00",
            "2026-02-06T07:37:39-05:30",
        ] {
            assert!(is_stamp(text), "{text}");
        }
        for text in [
            "2026-02-06",
            "2026-02-06T07:37:39",
            "2026-02-06 07:37:39Z",
            "2026-02-06T07:37:39.Z",
            "2026-02-06T07:37:39.745Zx",
            "2026-02-06T07:37:39.1234567890Z",
            "２026-02-06T07:37:39Z",
        ] {
            assert!(!is_stamp(text), "{text}");
        }
    }
}
