//! What holds for every text and every document (tests only).

use proptest::prelude::*;
use serde_yaml::granit_parser;

use super::scalar::tests::LOOK_ALIKES;
use super::{Document, MAX_KEY, Problem, Unwritable, Value};

/// Cases run quickly; failures are shown, not stored in the tree.
fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Characters that matter to some YAML reader or editor, more often than chance would have them.
pub(in crate::codec) fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(vec![
            " ", "  ", "\t", "\n", "\n\n", "\r", "\r\n", ":", ": ", "#", " #", "-", "- ", "---", "...", "?", "'", "\"", "\\", "|",
            ">", "&", "*", "!", "%", "@", "`", "[", "]", "{", "}", ",", "~", "=", "<<", "0", "1", "9", "_", ".", "e", "x", "T", "Z",
            "a", "word", "\0", "\u{7}", "\u{1b}", "\u{7f}", "\u{85}", "\u{a0}", "\u{2028}", "\u{2029}", "\u{feff}", "\u{fffe}",
            "\u{202e}", "é", "漢", "😀", "\u{10ffff}", "<<<<<<< HEAD", "=======",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
        1 => proptest::sample::select(LOOK_ALIKES.to_vec()).prop_map(str::to_owned),
    ];
    prop_oneof![
        6 => proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat()),
        2 => "[0-9][0-9a-fA-F_.:eExXobTZ+-]{0,9}",
        2 => "[0-9a-f]{8}",
        1 => "[a-zA-Z][a-zA-Z ]{0,12}",
    ]
}

fn stamp() -> impl Strategy<Value = Value> {
    "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9]:00)"
        .prop_map(Value::Stamp)
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z_]{1,8}",
        1 => any_text().prop_map(|text| text.chars().take(MAX_KEY).collect()),
    ]
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        stamp(),
        any_text().prop_map(Value::Text),
        any_text().prop_map(Value::Text),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            proptest::collection::vec((any_key(), inner), 0..4).prop_map(|mut entries| {
                let mut seen = std::collections::BTreeSet::new();
                entries.retain(|(key, _)| seen.insert(key.clone()));
                Value::Map(entries)
            }),
        ]
    })
}

/// The lines of a hand-written top-level key.
fn hand_written_value() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        " plain\n",
        " plain  # why\n",
        "\n",
        "   # nothing\n",
        " ~\n",
        " 5\n",
        " \"quoted # no\" # yes\n",
        " 'it''s'\n",
        " two\n  lines\n",
        " \"two\n  lines\"  # c\n",
        " [a, b] # flow\n",
        " [\n  a, # first\n  b\n]\n",
        " {x: 1,\n  y: [2]}\n",
        "\n  - a\n  - b # second\n  # tail\n",
        "\n- a\n\n- b\n",
        "\n  # head\n  - a\n  # of b\n  - b\n  - c\n",
        "\n  -\n  - \n",
        "\n  - - a\n    - b\n  - x: 1\n    y: 2\n",
        "\n  x: 1\n\n  # inner\n  y:\n    z: |\n      deep\n",
        " |\n  block\n\n  # not a comment\n",
        " |-  # header\n  block\n",
        " |+\n  keep\n\n\n",
        " >\n  folded\n  text\n",
        " |2\n    indented\n",
        " |\n",
        "\n  ? explicit\n  :\n",
        " |\n  x\n # less\n",
    ])
}

fn hand_written(newline: &'static str) -> impl Strategy<Value = String> {
    let between = proptest::sample::select(vec![
        "",
        "",
        "",
        "\n",
        "# note\n",
        "\n# far note\n\n",
        "  # indented note\n",
        "# a\n# b\n",
    ]);
    let entries = proptest::collection::vec((between.clone(), hand_written_value()), 0..6);
    let head = proptest::sample::select(vec!["", "", "---\n", "# head\n---\n"]);
    let foot = proptest::sample::select(vec!["", "", "...\n", "# end", "\n\n"]);
    (head, entries, between, foot, any::<bool>()).prop_map(move |(head, entries, last, foot, no_newline)| {
        let mut text = head.to_owned();
        for (at, (between, value)) in entries.iter().enumerate() {
            text.push_str(between);
            text.push_str(["id", "\"title\"", "x-tra", "labels", "zzz", "status"][at]);
            text.push(':');
            text.push_str(value);
        }
        text.push_str(last);
        text.push_str(foot);
        if no_newline && text.ends_with('\n') {
            text.pop();
        }
        text.replace('\n', newline)
    })
}

const ORDER: [&str; 6] = ["id", "title", "status", "labels", "description", "result"];

/// What the library's own deserialiser makes of the one value of `k`.
fn read_by_library(bytes: &[u8]) -> serde_json::Value {
    let read: serde_json::Value = serde_yaml::from_slice(bytes).unwrap();
    read["k"].clone()
}

proptest! {
    #![proptest_config(config(2_000))]

    #[test]
    fn every_text_is_read_back_exactly(text in any_text()) {
        let value = Value::Text(text.clone());
        let document = Document::of(&[("k", value.clone()), ("after", Value::Int(1))]).unwrap();
        let read = Document::parse(&document.to_bytes()).unwrap();
        prop_assert_eq!(read.fields().get("k"), Some(&value));
        // Another resolver (YAML 1.1 truth values, numbers with underscores …) sees the same text.
        prop_assert_eq!(read_by_library(&document.to_bytes()), serde_json::Value::String(text.clone()));
        let item = Document::of(&[("k", Value::List(vec![value.clone(), Value::List(vec![value])]))]).unwrap();
        prop_assert_eq!(read_by_library(&item.to_bytes()), serde_json::json!([text.clone(), [text]]));
    }

    #[test]
    fn a_written_file_has_only_visible_characters(text in any_text()) {
        let bytes = Document::of(&[("k", Value::Text(text))]).unwrap().to_bytes();
        let written = String::from_utf8(bytes).unwrap();
        let bad = |c: char| c.is_control() && c != '\n' && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{202e}');
        prop_assert!(!written.contains(bad), "{:?}", written);
        prop_assert!(written.ends_with('\n'));
    }
}

proptest! {
    #![proptest_config(config(1_000))]

    #[test]
    fn every_value_is_read_back_exactly(value in any_value(), key in any_key()) {
        let document = Document::of(&[(key.as_str(), value.clone())]).unwrap();
        let read = Document::parse(&document.to_bytes()).unwrap();
        prop_assert_eq!(read.fields().get(&key), Some(&value), "{}", document.as_str());
    }

    #[test]
    fn a_change_touches_only_the_lines_of_its_key(
        source in prop_oneof![hand_written("\n"), hand_written("\r\n")],
        key in proptest::sample::select(vec!["id", "title", "labels", "status", "description", "x-tra", "zzz", "new"]),
        value in any_value(),
    ) {
        let before = Document::parse(source.as_bytes()).unwrap_or_else(|problem| panic!("{problem}\n{source}"));
        prop_assert_eq!(before.to_bytes(), source.as_bytes());
        let mut after = before.clone();
        after.set(key, &value, &ORDER).unwrap();
        prop_assert!(after.fields().get(key).is_some_and(|read| read.says(&value)), "{}", after.as_str());
        for other in before.fields().keys().filter(|other| *other != key) {
            prop_assert_eq!(after.fields().get(other), before.fields().get(other));
        }
        outside_is_unchanged(&before, &after, key)?;
        prop_assert_eq!(&Document::parse(&after.to_bytes()).unwrap().to_bytes(), &after.to_bytes());

        let mut again = after.clone();
        again.set(key, &value, &ORDER).unwrap();
        prop_assert_eq!(again.to_bytes(), after.to_bytes());
        if source.ends_with('\n') && source.contains("\r\n") {
            prop_assert_eq!(after.as_str().matches('\n').count(), after.as_str().matches("\r\n").count());
        }
    }

    #[test]
    fn values_given_together_are_what_they_are_one_by_one(
        source in prop_oneof![hand_written("\n"), hand_written("\r\n")],
        values in proptest::collection::btree_map(
            proptest::sample::select(vec!["id", "title", "labels", "status", "description", "x-tra", "zzz", "new"]),
            any_value(),
            0..5,
        ),
    ) {
        let before = Document::parse(source.as_bytes()).unwrap();
        let mut together = before.clone();
        together.set_together(&values.iter().map(|(key, value)| (*key, value)).collect::<Vec<_>>());
        for other in before.fields().keys().filter(|other| !values.contains_key(other)) {
            prop_assert_eq!(together.fields().get(other), before.fields().get(other));
        }
        let mut one_by_one = before;
        for (key, value) in &values {
            together.set(key, value, &ORDER).unwrap();
            one_by_one.set(key, value, &ORDER).unwrap();
        }
        prop_assert_eq!(together.as_str(), one_by_one.as_str());
    }

    #[test]
    fn a_removal_takes_only_the_lines_of_its_key(source in hand_written("\n"), key in proptest::sample::select(vec!["id", "title", "labels", "zzz"])) {
        let before = Document::parse(source.as_bytes()).unwrap();
        let mut after = before.clone();
        after.remove(key).unwrap();
        prop_assert_eq!(after.fields().get(key), None);
        let others: Vec<_> = before.fields().keys().filter(|other| *other != key).map(|other| before.fields().get(other)).collect();
        prop_assert_eq!(after.fields().keys().map(|other| after.fields().get(other)).collect::<Vec<_>>(), others);
        if before.fields().get(key).is_none() {
            prop_assert_eq!(after.to_bytes(), before.to_bytes());
        }
    }

    #[test]
    fn any_bytes_end_in_a_document_or_a_problem(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(document) = Document::parse(&bytes) {
            prop_assert_eq!(document.to_bytes(), bytes);
        }
    }

    #[test]
    fn any_mutilated_file_ends_in_a_document_or_a_problem(source in hand_written("\n"), at in any::<proptest::sample::Index>(), junk in any_text(), value in any_value()) {
        let mut cut = at.index(source.len() + 1);
        while !source.is_char_boundary(cut) {
            cut -= 1;
        }
        let broken = format!("{}{junk}{}", &source[..cut], &source[cut..]);
        match Document::parse(broken.as_bytes()) {
            Ok(mut document) => {
                prop_assert_eq!(document.to_bytes(), broken.as_bytes());
                // Whatever a person wrote: changing it works and does what was meant, or changes nothing.
                match document.set("status", &value, &ORDER) {
                    Ok(()) => prop_assert!(document.fields().get("status").is_some_and(|read| read.says(&value))),
                    Err(refused) => prop_assert!(false, "{refused}\n{broken:?}"),
                }
            }
            Err(Problem { line, column, why }) => {
                prop_assert!(line >= 1 && line <= broken.matches('\n').count() + 1);
                prop_assert!(column >= 1);
                prop_assert!(!why.is_empty() && !why.contains(char::is_control), "{:?}", why);
            }
        }
    }
}

/// Every line of the file stands in the new one, in order, but the lines of `key`.
fn outside_is_unchanged(before: &Document, after: &Document, key: &str) -> Result<(), TestCaseError> {
    let outside = |document: &Document| -> Vec<String> {
        let own = document.position(key).map(|at| document.parsed.lines[at].clone());
        let (start, end) =
            own.map_or((document.source.len(), document.source.len()), |own| (own.start, own.end));
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        [lines(&document.source[..start]), lines(&document.source[end..])].concat()
    };
    prop_assert_eq!(outside(before), outside(after), "{}\n→\n{}", before.as_str(), after.as_str());
    Ok(())
}

#[test]
fn what_looks_like_something_else_is_text_to_the_library_too() {
    for text in LOOK_ALIKES {
        let bytes = Document::of(&[("k", Value::Text((*text).to_owned()))]).unwrap().to_bytes();
        assert_eq!(read_by_library(&bytes), serde_json::Value::String((*text).to_owned()));
        let written = String::from_utf8(bytes).unwrap();
        let style = granit_parser::Parser::new_from_str(&written)
            .filter_map(|event| event.unwrap().0.scalar().map(|(_, style)| style))
            .nth(1);
        assert_ne!(style, Some(granit_parser::ScalarStyle::Plain), "{written}");
    }
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let mut document = Document::parse(b"a: 1\n").unwrap();
    let before = document.to_bytes();
    let large = Value::Text("x".repeat(super::MAX_BYTES));
    assert!(matches!(document.set("b", &large, &[]), Err(Unwritable::TooLarge { .. })));
    let deep = (0..16).fold(Value::Int(1), |inner, _| Value::List(vec![inner]));
    assert!(matches!(document.set("b", &deep, &[]), Err(Unwritable::Unreadable(_))));
    let twice = Value::Map(vec![("k".to_owned(), Value::Null), ("k".to_owned(), Value::Null)]);
    assert!(matches!(document.set("b", &twice, &[]), Err(Unwritable::Unreadable(_))));
    let long = "k".repeat(MAX_KEY + 1);
    assert!(matches!(document.set(&long, &Value::Null, &[]), Err(Unwritable::LongKey { .. })));
    assert_eq!(document.to_bytes(), before);
}
