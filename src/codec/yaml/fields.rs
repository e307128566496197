//! Typed reading of a mapping, with errors that name the place.

use super::read::Place;
use super::{Problem, Value, scalar, shown};

/// A mapping to be read: a document's top level, or one inside.
///
/// A key that is missing and one that is `null` are the same thing: nothing. What is needed and not there is a
/// [`Problem`] at the start of the mapping, what is there and wrong is one at the value, as in
/// ``4:9: priority: expected a whole number, found `high` ``.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    pub(super) entries: &'a [(String, Value)],
    pub(super) places: &'a [Place],
    /// Where the mapping starts: line and column.
    pub(super) start: (usize, usize),
    /// What stands before a key in a message: `claims.`
    pub(super) path: String,
}

impl<'a> Fields<'a> {
    /// The value of a key, as it is.
    pub fn get(&self, key: &str) -> Option<&'a Value> {
        self.position(key).map(|at| &self.entries[at].1)
    }

    /// The keys in the order of the file.
    pub fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.entries.iter().map(|(key, _)| key.as_str())
    }

    /// Line and column of a key's value, from 1; of the mapping if the key is not there.
    pub fn at(&self, key: &str) -> (usize, usize) {
        self.position(key).map_or(self.start, |at| (self.places[at].line, self.places[at].column))
    }

    /// A problem with a key's value, at its place: `why` follows the key and a colon.
    pub fn problem(&self, key: &str, why: &str) -> Problem {
        let (line, column) = self.at(key);
        Problem { line, column, why: format!("{}{}: {why}", self.path, shown(key)) }
    }

    /// A problem with one item (from 0) of a key's list, at the item's place.
    pub fn problem_at_item(&self, key: &str, item: usize, why: &str) -> Problem {
        let place = self.position(key).and_then(|at| self.places[at].children.get(item));
        let problem = self.problem(key, why);
        match place {
            Some(place) => Problem { line: place.line, column: place.column, ..problem },
            None => problem,
        }
    }

    /// A text. A number or a truth value counts as the text it is written as, since a person need not know YAML's rules.
    pub fn text(&self, key: &str) -> Result<String, Problem> {
        self.required(key, self.optional_text(key)?)
    }

    /// A text, or nothing.
    pub fn optional_text(&self, key: &str) -> Result<Option<String>, Problem> {
        match self.present(key) {
            None => Ok(None),
            Some(value) => match value.spelling() {
                Some(text) => Ok(Some(text.into_owned())),
                None => Err(self.mismatch(key, "a text", value)),
            },
        }
    }

    /// A whole number.
    pub fn int(&self, key: &str) -> Result<i64, Problem> {
        self.required(key, self.optional_int(key)?)
    }

    /// A whole number, or nothing.
    pub fn optional_int(&self, key: &str) -> Result<Option<i64>, Problem> {
        match self.present(key) {
            None => Ok(None),
            Some(Value::Int(number)) => Ok(Some(*number)),
            Some(other) => Err(self.mismatch(key, "a whole number", other)),
        }
    }

    /// `true` or `false`, or nothing.
    pub fn optional_flag(&self, key: &str) -> Result<Option<bool>, Problem> {
        match self.present(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.mismatch(key, "`true` or `false`", other)),
        }
    }

    /// The spelling of a moment. Its shape is checked, the calendar is not.
    pub fn stamp_text(&self, key: &str) -> Result<&'a str, Problem> {
        self.required(key, self.optional_stamp_text(key)?)
    }

    /// The spelling of a moment, or nothing.
    pub fn optional_stamp_text(&self, key: &str) -> Result<Option<&'a str>, Problem> {
        match self.present(key) {
            None => Ok(None),
            Some(Value::Stamp(text) | Value::Text(text)) if scalar::is_stamp(text) => Ok(Some(text)),
            Some(other) => Err(self.mismatch(key, "a time such as `2026-02-06T07:37:39.745Z`", other)),
        }
    }

    /// A list of texts; empty if there is nothing.
    pub fn list_of_text(&self, key: &str) -> Result<Vec<String>, Problem> {
        match self.present(key) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items
                .iter()
                .enumerate()
                .map(|(at, item)| match item.spelling() {
                    Some(text) => Ok(text.into_owned()),
                    None => Err(self.problem_at_item(key, at, &expected("a text", item))),
                })
                .collect(),
            Some(other) => Err(self.mismatch(key, "a list", other)),
        }
    }

    /// A mapping inside this one, or nothing.
    pub fn optional_fields(&self, key: &str) -> Result<Option<Fields<'a>>, Problem> {
        let Some(at) = self.position(key) else {
            return Ok(None);
        };
        match &self.entries[at].1 {
            Value::Null => Ok(None),
            Value::Map(entries) => Ok(Some(Fields {
                entries,
                places: &self.places[at].children,
                start: (self.places[at].line, self.places[at].column),
                path: format!("{}{}.", self.path, shown(key)),
            })),
            other => Err(self.mismatch(key, "a mapping", other)),
        }
    }

    fn position(&self, key: &str) -> Option<usize> {
        self.entries.iter().position(|(name, _)| name == key)
    }

    fn present(&self, key: &str) -> Option<&'a Value> {
        self.get(key).filter(|value| **value != Value::Null)
    }

    fn required<T>(&self, key: &str, value: Option<T>) -> Result<T, Problem> {
        value.ok_or_else(|| {
            self.problem(
                key,
                match self.get(key) {
                    Some(_) => "expected a value, found nothing",
                    None => "missing",
                },
            )
        })
    }

    fn mismatch(&self, key: &str, wanted: &str, found: &Value) -> Problem {
        self.problem(key, &expected(wanted, found))
    }
}

fn expected(wanted: &str, found: &Value) -> String {
    let found = match found {
        Value::Null => "nothing".to_owned(),
        Value::List(_) => "a list".to_owned(),
        Value::Map(_) => "a mapping".to_owned(),
        Value::Int(_) | Value::Bool(_) | Value::Stamp(_) | Value::Text(_) => {
            format!("`{}`", shown(&found.spelling().unwrap_or_default()))
        }
    };
    format!("expected {wanted}, found {found}")
}

#[cfg(test)]
mod tests {
    use super::super::Document;

    const FILE: &str = "\
title: 404
count: high
quoted: \"5\"
on_time: yes
at: soon
labels:
  - a
  - [b]
one: bug
empty: null
claims:
  expire: maybe
  stale_after: 60
done: 2026-02-06T07:37:39.745Z
word: \"\\e[31mred\"
";

    #[test]
    fn errors_name_place_key_and_what_was_found() {
        let document = Document::parse(FILE.as_bytes()).unwrap();
        let fields = document.fields();
        let says = |problem: super::Problem| problem.to_string();
        assert_eq!(fields.text("title").unwrap(), "404");
        assert_eq!(
            says(fields.int("count").unwrap_err()),
            "2:8: count: expected a whole number, found `high`"
        );
        assert_eq!(
            says(fields.int("quoted").unwrap_err()),
            "3:9: quoted: expected a whole number, found `5`"
        );
        assert_eq!(
            says(fields.optional_flag("on_time").unwrap_err()),
            "4:10: on_time: expected `true` or `false`, found `yes`"
        );
        assert_eq!(
            says(fields.stamp_text("at").unwrap_err()),
            "5:5: at: expected a time such as `2026-02-06T07:37:39.745Z`, found `soon`"
        );
        assert_eq!(
            says(fields.list_of_text("labels").unwrap_err()),
            "8:5: labels: expected a text, found a list"
        );
        assert_eq!(says(fields.list_of_text("one").unwrap_err()), "9:6: one: expected a list, found `bug`");
        assert_eq!(says(fields.text("empty").unwrap_err()), "10:8: empty: expected a value, found nothing");
        assert_eq!(says(fields.text("absent").unwrap_err()), "1:1: absent: missing");
        assert_eq!(
            says(fields.int("word").unwrap_err()),
            "15:7: word: expected a whole number, found `\\u{1b}[31mred`"
        );
        let claims = fields.optional_fields("claims").unwrap().unwrap();
        assert_eq!(claims.int("stale_after").unwrap(), 60);
        assert_eq!(
            says(claims.optional_flag("expire").unwrap_err()),
            "12:11: claims.expire: expected `true` or `false`, found `maybe`"
        );
        assert_eq!(says(claims.int("absent").unwrap_err()), "12:3: claims.absent: missing");
        assert_eq!(fields.stamp_text("done").unwrap(), "2026-02-06T07:37:39.745Z");
        assert_eq!(fields.optional_text("empty").unwrap(), None);
        assert_eq!(fields.list_of_text("absent").unwrap(), Vec::<String>::new());
        assert_eq!(fields.keys().count(), 11);
    }
}
