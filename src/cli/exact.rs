//! JSON that somebody typed: nothing of it gets lost on the way.
//!
//! `serde_json` keeps the last of two members of one name, and the nearest number that fits into 64 bits. Both would
//! write something else into the log than was asked for, so both are refused here.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// The object in a text, exactly as it is there; or why there is none, in words that follow a colon.
pub fn object(text: &str) -> Result<Map<String, Value>, String> {
    let Exact(value) = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let Value::Object(object) = value else { return Err("expected an object".to_owned()) };
    match numbers(text).find(|number| !is_kept(number)) {
        Some(number) => Err(format!(
            "the number `{number}` does not fit into 64 bits and would become another; write it as a text"
        )),
        None => Ok(object),
    }
}

/// A value in whose objects no name stands twice.
struct Exact(Value);

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Each).map(Self)
    }
}

struct Each;

impl<'de> Visitor<'de> for Each {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Exact(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((name, Exact(value))) = members.next_entry::<String, Exact>()? {
            if object.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is there twice", name.escape_debug())));
            }
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }
}

/// The numbers of a valid JSON text, as they are written.
fn numbers(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = rest.find(|c: char| c == '"' || c == '-' || c.is_ascii_digit())?;
            rest = &rest[at..];
            if let Some(inside) = rest.strip_prefix('"') {
                rest = &inside[end_of_string(inside)..];
                continue;
            }
            let is_part = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
            let end = rest.find(|c: char| !is_part(c)).unwrap_or(rest.len());
            let (number, after) = rest.split_at(end);
            rest = after;
            return Some(number);
        }
    })
}

/// Where the text goes on behind a string, its opening quote left out.
fn end_of_string(inside: &str) -> usize {
    let mut is_escaped = false;
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    inside.len()
}

/// Whether the number that is read and written again is the one that was given.
fn is_kept(number: &str) -> bool {
    let written = serde_json::from_str::<Value>(number).map(|value| value.to_string());
    written.is_ok_and(|written| worth(&written) == worth(number))
}

/// Sign, digits without zeros around them, and the power of ten behind them: equal for equal numbers.
fn worth(number: &str) -> Option<(bool, String, i64)> {
    let (is_negative, number) = match number.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, number),
    };
    let (mantissa, power) = number.split_once(['e', 'E']).unwrap_or((number, "0"));
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{part}");
    let significant = digits.trim_start_matches('0').trim_end_matches('0').to_owned();
    if significant.is_empty() {
        return Some((false, significant, 0));
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    let power: i64 = power.parse().ok()?;
    let power =
        power.checked_sub(i64::try_from(part.len()).ok()?)?.checked_add(i64::try_from(zeros).ok()?)?;
    Some((is_negative, significant, power))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_what_was_written() {
        for text in [
            r#"{"a":1,"b":[null,true,"x\"1e999\\",{"c":-5}],"d":18446744073709551615,"e":-9223372036854775808}"#,
            r#"{"ms":1.5,"rate":0.1,"pi":3.14159,"big":1e+21}"#,
            "{}",
        ] {
            assert_eq!(Value::Object(object(text).unwrap()).to_string(), text);
        }
        // Another spelling of the same number is the same number.
        assert!(object(r#"{"a":1.50,"b":10e-1,"c":0.0,"d":-0,"e":1E2}"#).is_ok());
    }

    #[test]
    fn what_would_become_another_number_is_refused() {
        for number in [
            "123456789012345678901234567890",
            "18446744073709551616",
            "-9223372036854775809",
            "0.12345678901234567890123456789",
            "1.00000000000000000000001",
            "1e-400",
        ] {
            let said = object(&format!(r#"{{"a":["1",{{"b":{number}}}]}}"#)).unwrap_err();
            assert!(said.contains(&format!("the number `{number}`")), "{said}");
        }
        assert!(object(r#"{"a":1e400}"#).unwrap_err().contains("out of range"));
    }

    #[test]
    fn a_name_that_stands_twice_is_refused_however_deep_and_however_spelt() {
        for text in [r#"{"a":1,"a":1}"#, r#"{"x":[{"a":1,"b":2,"\u0061":3}]}"#] {
            assert!(object(text).unwrap_err().starts_with("`a` is there twice"), "{text}");
        }
        assert!(object(r#"{"x":{"a":1},"y":{"a":1}}"#).is_ok());
    }

    #[test]
    fn what_is_no_object_is_refused() {
        for text in ["", "[]", "1", "null", "\"a\"", "{", "{} {}", "{'a':1}", "{\"a\":01}", "{\"a\":NaN}"] {
            assert!(object(text).is_err(), "{text}");
        }
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(object(&deep).is_err());
    }
}
