//! What a change leaves of a file, byte by byte (tests only).

use super::{Document, Value};

const ORDER: [&str; 5] = ["id", "title", "status", "labels", "description"];

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn texts(items: &[&str]) -> Value {
    Value::List(items.iter().map(|item| text(item)).collect())
}

fn after_set(source: &str, key: &str, value: &Value) -> String {
    let mut document = Document::parse(source.as_bytes()).unwrap();
    document.set(key, value, &ORDER).unwrap();
    document.as_str().to_owned()
}

#[test]
fn a_new_file_is_written_as_the_format_says() {
    let document = Document::of(&[
        ("id", text("299833bc")),
        ("title", text("Add crypto payments to SnapAPI")),
        ("epoch", Value::Int(1)),
        ("claimed_at", Value::Stamp("2026-02-06T07:37:39.745Z".to_owned())),
        ("completed_at", Value::Null),
        ("depends_on", texts(&["12345678", "1234e567", "299833bd"])),
        ("labels", Value::List(Vec::new())),
        ("description", text("Integrate NOWPayments\n\n  or similar\n")),
        ("result", text("no")),
        (
            "claims",
            Value::Map(vec![
                ("expire".to_owned(), Value::Bool(true)),
                ("n".to_owned(), text("two\nlines")),
                ("empty".to_owned(), Value::Map(Vec::new())),
            ]),
        ),
        (
            "nested",
            Value::List(vec![
                Value::Map(vec![("a".to_owned(), Value::Int(1)), ("b".to_owned(), texts(&["x"]))]),
                texts(&["s", "t"]),
            ]),
        ),
    ]);
    let want = "\
id: 299833bc
title: Add crypto payments to SnapAPI
epoch: 1
claimed_at: 2026-02-06T07:37:39.745Z
completed_at: null
depends_on:
  - \"12345678\"
  - \"1234e567\"
  - 299833bd
labels: []
description: |
  Integrate NOWPayments

    or similar
result: \"no\"
claims:
  expire: true
  \"n\": |-
    two
    lines
  empty: {}
nested:
  - a: 1
    b:
      - x
  - - s
    - t
";
    assert_eq!(document.unwrap().as_str(), want);
}

#[test]
fn a_change_keeps_comments_unknown_keys_and_blank_lines() {
    let source = "\
# A task.
id: 299833bc # do not edit

future: {keep: [me]}   # a key of a later version
# one of pending, done
status: pending   # waits for ops
  # indented
labels: [a,
  b] # flow
title: x
";
    assert_eq!(
        after_set(source, "status", &text("done")),
        source.replace("pending   # waits", "done   # waits")
    );
    assert_eq!(
        after_set(source, "labels", &texts(&["a", "c"])),
        source.replace("labels: [a,\n  b] # flow\n", "labels: # flow\n  - a\n  - c\n")
    );
    // As a block the text would swallow the indented comment below it.
    assert_eq!(
        after_set(source, "status", &text("a\nb\n")),
        source.replace("pending   # waits", "\"a\\nb\\n\"   # waits")
    );
    assert_eq!(
        after_set(source, "title", &text("a\nb\n")),
        source.replace("title: x\n", "title: |\n  a\n  b\n")
    );
}

#[test]
fn saying_the_same_in_another_style_changes_no_byte() {
    let source = "id: 12345678\ntitle: 'x'\nlabels: [1, 'a', true]\nstatus: >-\n  a\n  b\nnothing:\nat: \"2026-02-06T07:37:39Z\"\n";
    let mut document = Document::parse(source.as_bytes()).unwrap();
    for (key, value) in [
        ("id", text("12345678")),
        ("title", text("x")),
        ("labels", texts(&["1", "a", "true"])),
        ("status", text("a b")),
        ("nothing", Value::Null),
        ("at", Value::Stamp("2026-02-06T07:37:39Z".to_owned())),
    ] {
        document.set(key, &value, &ORDER).unwrap();
        assert_eq!(document.as_str(), source, "{key}");
    }
    // But a text is not a number.
    document.set("title", &Value::Int(5), &ORDER).unwrap();
    document.set("title", &text("5"), &ORDER).unwrap();
    assert!(document.as_str().contains("title: 5\n"));
    document.set("at", &text("null"), &ORDER).unwrap();
    assert!(document.as_str().contains("at: \"null\"\n"));
}

#[test]
fn a_changed_list_keeps_its_other_items_lines() {
    let source = "labels: # all\n- a # first\n# about b\n- 'b'\n# about c\n- c\n# end\nid: 1\n";
    for (items, want) in [
        (vec!["a", "b", "c", "d"], source.replace("- c\n", "- c\n- d\n")),
        (vec!["a", "c"], source.replace("- 'b'\n", "")),
        (vec!["a", "x", "b", "c"], source.replace("# first\n", "# first\n- x\n")),
        (vec!["a", "x", "c"], source.replace("- 'b'\n", "- x\n")),
        (vec!["b", "c"], source.replace("- a # first\n", "")),
        (vec!["a", "b"], source.replace("- c\n", "")),
        (vec!["x"], "labels: # all\n  - x\n# end\nid: 1\n".to_owned()),
        (vec![], "labels: [] # all\n# end\nid: 1\n".to_owned()),
    ] {
        assert_eq!(after_set(source, "labels", &texts(&items)), want, "{items:?}");
    }
}

#[test]
fn a_new_key_finds_its_place() {
    let source = "# head\nid: 1\nother: x\n# about labels\nlabels: []\n...\n";
    let mut document = Document::parse(source.as_bytes()).unwrap();
    for key in ["description", "status", "title", "unknown"] {
        document.set(key, &Value::Null, &ORDER).unwrap();
    }
    assert_eq!(
        document.as_str(),
        "# head\nid: 1\ntitle: null\nstatus: null\nother: x\n# about labels\nlabels: []\ndescription: null\nunknown: null\n...\n"
    );
    assert_eq!(after_set("# head\nlabels: []\n", "id", &Value::Int(1)), "# head\nid: 1\nlabels: []\n");
    assert_eq!(
        after_set("other: x\n# about\nlabels: []\n", "id", &Value::Int(1)),
        "other: x\nid: 1\n# about\nlabels: []\n"
    );
    for (source, want) in [
        ("", "id: 1\n"),
        ("# only", "# only\nid: 1\n"),
        ("---\n", "---\nid: 1\n"),
        ("x: |+\n  a\n\n", "x: |+\n  a\n\nid: 1\n"),
        ("x: y", "x: y\nid: 1\n"),
    ] {
        assert_eq!(after_set(source, "id", &Value::Int(1)), want);
    }
}

#[test]
fn windows_line_ends_stay() {
    let source = "id: 1\r\ntitle: x # c\r\nstatus: |\r\n  a\r\n  b\r\n";
    let document = Document::parse(source.as_bytes()).unwrap();
    assert_eq!(document.fields().get("status"), Some(&text("a\nb\n")));
    assert_eq!(
        after_set(source, "title", &text("a\nb")),
        "id: 1\r\ntitle: |- # c\r\n  a\r\n  b\r\nstatus: |\r\n  a\r\n  b\r\n"
    );
}

#[test]
fn a_removal_keeps_what_stands_around_it() {
    let mut document = Document::parse(b"# head\nid: 1\n# about\ntitle: |\n  x\n\nstatus: y\n").unwrap();
    document.remove("title").unwrap();
    document.remove("absent").unwrap();
    assert_eq!(document.as_str(), "# head\nid: 1\n# about\n\nstatus: y\n");
    // The blank line and the comment would become part of the text above.
    let mut document = Document::parse(b"a: |+\n  x\nid: 1\n\n  # c\nstatus: y\n").unwrap();
    document.remove("id").unwrap();
    assert_eq!(document.as_str(), "a: |+\n  x\nstatus: y\n");
    document.remove("a").unwrap();
    document.remove("status").unwrap();
    assert!(document.fields().keys().next().is_none());
    assert_eq!(document.as_str(), "");
}

#[test]
fn a_key_is_found_where_its_value_stands() {
    let document = Document::parse_below(1, "größe: x\nlabels:\n  - a\nend:\n".as_bytes()).unwrap();
    assert_eq!(document.fields().at("größe"), (2, 8));
    assert_eq!(document.fields().at("labels"), (4, 3));
    assert_eq!(document.fields().at("end"), (5, 4));
    assert_eq!(document.fields().at("absent"), (2, 1));
}
