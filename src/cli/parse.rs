//! Words become things.

use serde_json::{Map, Value};

use super::exact;
use crate::model::{Bounds, Code, Refusal, Span, TaskRef};

/// A length of time; the refusal names the option that it was given to.
pub fn span(option: &str, text: &str, bounds: Bounds) -> Result<Span, Refusal> {
    let told = |why: String| Refusal::new(Code::Usage, format!("{option}: {why}"));
    let span = Span::parse(text).map_err(|bad| told(bad.to_string()))?;
    bounds.check(span).map_err(told)?;
    Ok(span)
}

/// References to tasks.
pub fn tasks(words: &[String]) -> Result<Vec<TaskRef>, Refusal> {
    words.iter().map(|word| TaskRef::parse(word)).collect()
}

/// The fields of an event: `key=value` words, then a JSON object.
pub fn fields(words: &[String], data: Option<&str>) -> Result<Map<String, Value>, Refusal> {
    let mut fields = Map::new();
    for word in words {
        let (key, value) = word.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
            Refusal::new(Code::Usage, format!("`{}` is no field", word.escape_debug()))
                .hint("write it as key=value")
        })?;
        if fields.insert(key.to_owned(), Value::String(value.to_owned())).is_some() {
            return Err(twice(key));
        }
    }
    let Some(data) = data else { return Ok(fields) };
    let object = exact::object(data).map_err(|error| {
        Refusal::new(Code::Usage, format!("--data is no JSON object: {error}"))
            .hint("--data '{\"key\": \"value\"}'")
    })?;
    for (key, value) in object {
        if fields.contains_key(&key) {
            return Err(twice(&key));
        }
        fields.insert(key, value);
    }
    Ok(fields)
}

fn twice(key: &str) -> Refusal {
    Refusal::new(Code::Usage, format!("the field `{}` is given twice", key.escape_debug()))
}

/// `OLD=NEW`, split at the last `=`: a resource's name may hold one.
pub fn renames(words: &[String]) -> Result<Vec<(String, String)>, Refusal> {
    let split = |word: &String| {
        word.rsplit_once('=').map(|(old, new)| (old.to_owned(), new.to_owned())).ok_or_else(|| {
            Refusal::new(Code::Usage, format!("`{}` is no renaming", word.escape_debug()))
                .hint("--rename 'old name=new-name'")
        })
    };
    words.iter().map(split).collect()
}
