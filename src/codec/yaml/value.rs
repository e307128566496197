//! What a document holds, read or to be written.

/// A value of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing: `null`.
    Null,
    /// A whole number.
    Int(i64),
    /// `true` or `false`.
    Bool(bool),
    /// A moment, written plain: `2026-02-06T07:37:39.745Z`. The spelling is kept, the calendar is not checked.
    /// One that doesn't look like a moment is written, and read back, as [`Value::Text`].
    Stamp(String),
    /// Any text, of any length, with any characters.
    Text(String),
    /// A list.
    List(Vec<Value>),
    /// A mapping, in the order of the file. Keys are unique.
    Map(Vec<(String, Value)>),
}

impl Value {
    /// The text of a value as a person would type it; nothing for nothing, lists and mappings.
    pub(super) fn spelling(&self) -> Option<std::borrow::Cow<'_, str>> {
        match self {
            Value::Text(text) | Value::Stamp(text) => Some(text.into()),
            Value::Int(number) => Some(number.to_string().into()),
            Value::Bool(flag) => Some(if *flag { "true" } else { "false" }.into()),
            Value::Null | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// Whether writing `new` over `self` would tell a reader nothing new: the values are equal, or `new` is a text or
    /// stamp that a person wrote in another style (`title: 404` is the text `404`).
    pub(super) fn says(&self, new: &Value) -> bool {
        match (self, new) {
            (Value::List(old), Value::List(new)) => {
                old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.says(new))
            }
            (Value::Map(old), Value::Map(new)) => {
                old.len() == new.len()
                    && old
                        .iter()
                        .zip(new)
                        .all(|((old_key, old), (new_key, new))| old_key == new_key && old.says(new))
            }
            (old, Value::Text(text) | Value::Stamp(text)) => {
                old.spelling().is_some_and(|spelling| spelling == *text)
            }
            (old, new) => old == new,
        }
    }
}
