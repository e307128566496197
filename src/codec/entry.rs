//! What all entries have in common: written in a fixed order of keys, rewritten only where a value differs.

use crate::model::{Imported, Timestamp};

use super::yaml::{Document, Fields, Problem, Unwritable, Value};

/// The bytes of an entry: its keys in this order; `None` = the key is not written (and removed where it
/// was). Of `old` only the lines of keys whose value differs are rewritten.
pub(super) fn write(old: Option<&[u8]>, entries: &[(&str, Option<Value>)]) -> Result<Vec<u8>, Problem> {
    let Some(old) = old else { return Ok(Document::of(&present(entries)).map_err(unwritable)?.to_bytes()) };
    let mut document = Document::parse(old)?;
    rewrite(&mut document, entries)?;
    Ok(document.to_bytes())
}

/// Whether an entry with these keys fits into a file, in a fraction of what it costs to write it.
pub(super) fn check(entries: &[(&str, Option<Value>)]) -> Result<(), Problem> {
    Document::text_of(&present(entries)).map(drop).map_err(unwritable)
}

fn present<'k>(entries: &[(&'k str, Option<Value>)]) -> Vec<(&'k str, Value)> {
    entries.iter().filter_map(|(key, value)| Some((*key, value.clone()?))).collect()
}

/// The same on a document.
pub(super) fn rewrite(document: &mut Document, entries: &[(&str, Option<Value>)]) -> Result<(), Problem> {
    let order: Vec<&str> = entries.iter().map(|(key, _)| *key).collect();
    let values: Vec<(&str, &Value)> =
        entries.iter().filter_map(|(key, value)| Some((*key, value.as_ref()?))).collect();
    document.set_together(&values);
    for (key, value) in entries {
        match value {
            Some(value) => document.set(key, value, &order).map_err(unwritable)?,
            None => document.remove(key).map_err(unwritable)?,
        }
    }
    Ok(())
}

/// A value that does not fit into a file, at no place in particular.
pub(super) fn unwritable(error: Unwritable) -> Problem {
    Problem { line: 1, column: 1, why: error.to_string() }
}

/// A text, or `null`.
pub(super) fn nullable(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| Value::Text(text.to_owned()))
}

/// A stamp.
pub(super) fn stamp(at: Timestamp) -> Value {
    Value::Stamp(at.to_string())
}

/// A stamp, or `null`.
pub(super) fn nullable_stamp(at: Option<Timestamp>) -> Value {
    at.map_or(Value::Null, stamp)
}

/// A list of texts.
pub(super) fn list<T: ToString>(items: &[T]) -> Value {
    Value::List(items.iter().map(|item| Value::Text(item.to_string())).collect())
}

/// Stamps of the predecessor, where there are any.
pub(super) fn imported(stamps: &Imported) -> Option<Value> {
    let entries = stamps.0.iter().map(|(key, text)| (key.clone(), Value::Text(text.clone())));
    (!stamps.is_empty()).then(|| Value::Map(entries.collect()))
}

/// A moment that must be there.
pub(super) fn read_stamp(fields: &Fields<'_>, key: &str) -> Result<Timestamp, Problem> {
    let text = fields.stamp_text(key)?;
    Timestamp::parse(text).map_err(|bad| fields.problem(key, &bad.to_string()))
}

/// A moment, or nothing.
pub(super) fn read_optional_stamp(fields: &Fields<'_>, key: &str) -> Result<Option<Timestamp>, Problem> {
    let Some(text) = fields.optional_stamp_text(key)? else { return Ok(None) };
    Timestamp::parse(text).map(Some).map_err(|bad| fields.problem(key, &bad.to_string()))
}

/// Stamps of the predecessor.
pub(super) fn read_imported(fields: &Fields<'_>) -> Result<Imported, Problem> {
    let mut stamps = Imported::default();
    if let Some(inner) = fields.optional_fields("imported")? {
        for key in inner.keys() {
            stamps.0.insert(key.to_owned(), inner.text(key)?);
        }
    }
    Ok(stamps)
}

/// Where a field of these bytes stands, or an item (from 0) of its list: line and column, from 1. The beginning, where
/// they can't be read or have no such field.
pub(crate) fn place_of(bytes: &[u8], key: &str, item: Option<usize>) -> (usize, usize) {
    let Ok(document) = Document::parse(bytes) else { return (1, 1) };
    let fields = document.fields();
    match item {
        None => fields.at(key),
        Some(item) => {
            let problem = fields.problem_at_item(key, item, "");
            (problem.line, problem.column)
        }
    }
}

/// The entry's own name for itself must be the one its file has: it is never used to build a path.
pub(super) fn check_own_name(fields: &Fields<'_>, key: &str, file_name: &str) -> Result<(), Problem> {
    let own = fields.text(key)?;
    if own == file_name {
        return Ok(());
    }
    Err(fields.problem(key, &format!("is not the name of its file, `{file_name}`")))
}
