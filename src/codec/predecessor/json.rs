//! JSON with places: every value and every key knows where in the text it stands.
//!
//! `serde_json` reads all of it; this keeps its raw values, whose place in the text tells line and column.
//! Unlike a map of its, an object here keeps a key that stands twice, so that it can be reported.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// How deeply lists and objects may be nested.
const DEEPEST: usize = 100;

/// A value and the byte at which it starts.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) at: usize,
    pub(super) value: Value<'a>,
}

#[derive(Debug)]
pub(super) enum Value<'a> {
    Null,
    Bool,
    /// As it is written.
    Number(&'a str),
    Text(String),
    List(Vec<Node<'a>>),
    Object(Vec<Member<'a>>),
}

/// One `key: value` of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: String,
    /// The byte at which the key starts.
    pub(super) at: usize,
    pub(super) node: Node<'a>,
}

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) at: usize,
    pub(super) why: String,
}

impl Node<'_> {
    /// The kind of value, with its article.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool => "true or false",
            Value::Number(_) => "a number",
            Value::Text(_) => "a text",
            Value::List(_) => "a list",
            Value::Object(_) => "an object",
        }
    }
}

/// The one value in `text`, or every flaw that keeps it from being read: an error of syntax, or else all
/// keys that stand twice in their object.
pub(super) fn parse(text: &str) -> Result<Node<'_>, Vec<Flaw>> {
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| vec![flaw(text, 0, &error)])?;
    let mut twice = Vec::new();
    let node = Builder { text, twice: &mut twice }.node(raw, 0).map_err(|flaw| vec![flaw])?;
    if twice.is_empty() { Ok(node) } else { Err(twice) }
}

/// What `serde_json` says about the part of a text that starts at the byte `base`.
fn flaw(part: &str, base: usize, error: &serde_json::Error) -> Flaw {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let said = error.to_string();
    let said = said.strip_suffix(&place).unwrap_or(&said);
    let line_start = match error.line() {
        0 | 1 => 0,
        line => part.match_indices('\n').nth(line - 2).map_or(part.len(), |(at, _)| at + 1),
    };
    let at = (line_start + error.column().saturating_sub(1)).min(part.len());
    let why = if error.is_eof() {
        format!("the text ends too early ({said})")
    } else {
        format!("not valid JSON: {said}")
    };
    Flaw { at: base + at, why }
}

struct Builder<'a, 'f> {
    text: &'a str,
    twice: &'f mut Vec<Flaw>,
}

impl<'a> Builder<'a, '_> {
    /// Where a part of the text starts. A raw value that was borrowed from the text lies within it.
    fn place(&self, part: &str) -> usize {
        (part.as_ptr() as usize).saturating_sub(self.text.as_ptr() as usize)
    }

    fn read<T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, Flaw> {
        serde_json::from_str(part).map_err(|error| flaw(part, self.place(part), &error))
    }

    fn node(&mut self, raw: &'a RawValue, depth: usize) -> Result<Node<'a>, Flaw> {
        let part = raw.get();
        let at = self.place(part);
        if depth > DEEPEST {
            return Err(Flaw { at, why: format!("nested more than {DEEPEST} levels deep") });
        }
        let value = match part.as_bytes().first() {
            Some(b'n') => Value::Null,
            Some(b't' | b'f') => Value::Bool,
            Some(b'"') => Value::Text(self.read(part)?),
            Some(b'[') => {
                let items: Vec<&'a RawValue> = self.read(part)?;
                Value::List(items.into_iter().map(|raw| self.node(raw, depth + 1)).collect::<Result<_, _>>()?)
            }
            Some(b'{') => {
                let Pairs(pairs) = self.read(part)?;
                Value::Object(self.members(pairs, depth)?)
            }
            _ => Value::Number(part),
        };
        Ok(Node { at, value })
    }

    fn members(
        &mut self,
        pairs: Vec<(&'a RawValue, &'a RawValue)>,
        depth: usize,
    ) -> Result<Vec<Member<'a>>, Flaw> {
        /// Up to so many keys are looked through rather than hashed.
        const FEW: usize = 24;
        let mut members: Vec<Member<'a>> = Vec::with_capacity(pairs.len());
        let mut keys = HashSet::new();
        let are_few = pairs.len() <= FEW;
        for (key, value) in pairs {
            let at = self.place(key.get());
            let key: String = self.read(key.get())?;
            let is_twice = if are_few {
                members.iter().any(|member| member.key == key)
            } else {
                !keys.insert(key.clone())
            };
            if is_twice {
                let why = format!("the key `{}` is there twice", key.escape_debug());
                self.twice.push(Flaw { at, why });
            }
            members.push(Member { key, at, node: self.node(value, depth + 1)? });
        }
        Ok(members)
    }
}

/// The members of an object, each of them, as they stand in the text.
struct Pairs<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> (usize, String) {
        let mut flaws = parse(text).unwrap_err();
        let first = flaws.remove(0);
        (first.at, first.why)
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = " { \"ä\" : [1, {\"b\": \"x\"}] }";
        let node = parse(text).unwrap();
        let Value::Object(members) = &node.value else { panic!("{node:?}") };
        assert_eq!((node.at, members[0].at, members[0].key.as_str()), (1, 3, "ä"));
        let Value::List(items) = &members[0].node.value else { panic!("{node:?}") };
        assert!(matches!(items[0].value, Value::Number("1")));
        assert_eq!(&text[items[1].at..=items[1].at], "{");
        let Value::Object(inner) = &items[1].value else { panic!("{node:?}") };
        assert_eq!(&text[inner[0].node.at..inner[0].node.at + 3], "\"x\"");
    }

    #[test]
    fn flaws_stand_where_they_are() {
        assert_eq!(at("{\"a\": 1,\n \"b\": }").0, 15);
        assert!(at("{\"a\": [1").1.starts_with("the text ends too early"));
        assert!(at("").1.starts_with("the text ends too early"));
        assert_eq!(at("{} x").0, 3);
        // Half of a surrogate pair names no character.
        assert_eq!(at("{\"a\": \"\\ud800\"}").0 / 6, 2);
    }

    #[test]
    fn a_key_that_stands_twice_is_reported_however_it_is_spelt() {
        assert_eq!(
            at(r#"{"a": 1, "b": {"c": 1, "\u0063": 2}}"#),
            (23, "the key `c` is there twice".to_owned())
        );
        let flaws = parse(r#"{"a": 1, "a": 2, "a": 3}"#).unwrap_err();
        assert_eq!(flaws.len(), 2);
        // In a large object too, where keys are hashed.
        let many: String = (0..40).map(|key| format!("\"k{key}\": 1, ")).collect();
        assert_eq!(at(&format!("{{{many}\"k7\": 2}}")).1, "the key `k7` is there twice");
        assert!(parse(&format!("{{{many}\"k\": 2}}")).is_ok());
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(&nested(100)).is_ok());
        assert!(at(&nested(10_000)).1.contains("levels deep"));
    }
}
