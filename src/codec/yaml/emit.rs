//! Values as lines: block style throughout, two spaces a level, one line a list item, so that a diff shows what changed.
//!
//! Line ends are LF here; a document with CRLF line ends translates them.

use super::scalar::{Style, block_header, is_plain_key, push_quoted, style};
use super::{MAX_KEY, Unwritable, Value};

/// Whether texts of several lines may become blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lines {
    /// As blocks, the best to read.
    Block,
    /// On one line, in quotes: where a block would swallow what stands below it.
    Quoted,
}

/// Appends `key` as it stands before its colon.
pub(super) fn push_key(out: &mut String, key: &str) -> Result<(), Unwritable> {
    let characters = key.chars().count();
    if characters > MAX_KEY {
        return Err(Unwritable::LongKey { characters });
    }
    if is_plain_key(key) {
        out.push_str(key);
    } else {
        push_quoted(out, key);
    }
    Ok(())
}

/// Appends what follows `key:` or `-`, from the space before the value to the end of its last line. `indent` is the
/// column of the key or the dash, `comment` goes behind what is on the first line.
pub(super) fn push_value(
    out: &mut String,
    value: &Value,
    indent: usize,
    comment: &str,
    lines: Lines,
) -> Result<(), Unwritable> {
    let scalar = |out: &mut String, text: &str| {
        out.push(' ');
        out.push_str(text);
        out.push_str(comment);
        out.push('\n');
    };
    match value {
        Value::Null => scalar(out, "null"),
        Value::Int(number) => scalar(out, &number.to_string()),
        Value::Bool(flag) => scalar(out, if *flag { "true" } else { "false" }),
        Value::Stamp(stamp) if super::scalar::is_stamp(stamp) => scalar(out, stamp),
        Value::Stamp(text) | Value::Text(text) => match (style(text), lines) {
            (Style::Plain, _) => scalar(out, text),
            (Style::Block, Lines::Block) => {
                scalar(out, block_header(text));
                push_block(out, text, indent + 2);
            }
            (Style::Block, Lines::Quoted) | (Style::Quoted, _) => {
                let mut quoted = String::with_capacity(text.len() + 2);
                push_quoted(&mut quoted, text);
                scalar(out, &quoted);
            }
        },
        Value::List(items) if items.is_empty() => scalar(out, "[]"),
        Value::Map(entries) if entries.is_empty() => scalar(out, "{}"),
        Value::List(items) => {
            out.push_str(comment);
            out.push('\n');
            for item in items {
                push_item(out, item, indent + 2, lines)?;
            }
        }
        Value::Map(entries) => {
            out.push_str(comment);
            out.push('\n');
            for (key, value) in entries {
                push_spaces(out, indent + 2);
                push_key(out, key)?;
                out.push(':');
                push_value(out, value, indent + 2, "", lines)?;
            }
        }
    }
    Ok(())
}

/// Appends one list item whose dash stands in column `indent`.
pub(super) fn push_item(
    out: &mut String,
    item: &Value,
    indent: usize,
    lines: Lines,
) -> Result<(), Unwritable> {
    push_spaces(out, indent);
    out.push('-');
    let nested = match item {
        Value::List(items) => !items.is_empty(),
        Value::Map(entries) => !entries.is_empty(),
        Value::Null | Value::Int(_) | Value::Bool(_) | Value::Stamp(_) | Value::Text(_) => false,
    };
    if nested {
        // `- key: value`: what is nested starts on the line of the dash, where its own indentation would end.
        let mut inner = String::new();
        push_value(&mut inner, item, indent, "", lines)?;
        out.push(' ');
        out.push_str(inner.get(1 + indent + 2..).unwrap_or_default());
        Ok(())
    } else {
        push_value(out, item, indent, "", lines)
    }
}

fn push_block(out: &mut String, text: &str, indent: usize) {
    for line in text.lines() {
        if !line.is_empty() {
            push_spaces(out, indent);
            out.push_str(line);
        }
        out.push('\n');
    }
}

fn push_spaces(out: &mut String, count: usize) {
    out.extend(std::iter::repeat_n(' ', count));
}
