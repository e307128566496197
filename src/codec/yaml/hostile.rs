//! Files that are broken, or made to break their reader (tests only).

use super::read::parse;
use super::{Document, MAX_BYTES, MAX_DEPTH, Value};

fn why(bytes: &[u8]) -> String {
    parse(bytes, 1).unwrap_err().to_string()
}

#[test]
fn hostile_and_broken_files_are_refused_with_their_place() {
    let cases: &[(&[u8], &str)] = &[
        (b"a: 1\na: 2\n", "2:1: the key `a` is already on line 1"),
        (b"a:\n  b: 1\n  \"b\": 2\n", "3:3: the key `b` is already on line 2"),
        (b"a: {b: 1, c: 2, b: 3}\n", "1:17: the key `b` is already on line 1"),
        (b"a: &x 1\n", "1:7: anchors (`&`) are not allowed"),
        (b"a: &x\n  b: 1\n", "2:3: anchors (`&`) are not allowed"),
        (b"a: *x\n", "1:4: aliases (`*`) are not allowed"),
        (b"a: !!str 1\n", "1:4: tags (`!`) are not allowed"),
        (b"!foo\na: 1\n", "1:1: tags (`!`) are not allowed"),
        (b"a: !!python/object:os.system {}\n", "1:4: tags (`!`) are not allowed"),
        (b"<<: {a: 1}\n", "1:1: merge keys (`<<`) are not allowed"),
        (b"%YAML 1.1\n---\na: 1\n", "1:1: directives (`%`) are not allowed"),
        (b"a: 1\n---\nb: 1\n", "2:1: a second document starts here, expected only one"),
        (b"a: 1\n...\nb: 1\n", "3:1: a second document starts here, expected only one"),
        (b"a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "2:1: a merge conflict is not resolved"),
        (b"b: 1\r\n=======\r\n", "2:1: a merge conflict is not resolved"),
        (b"\xff\xfea\0:\0", "1:1: the file is UTF-16, expected UTF-8"),
        (b"\xfe\xff\0a\0:", "1:1: the file is UTF-16, expected UTF-8"),
        (b"\xef\xbb\xbfa: 1\n", "1:1: the file starts with a byte order mark, expected UTF-8 without one"),
        (b"a: 1\nb: \xc3\xa9\xff\n", "2:5: this is not UTF-8"),
        (b"a: 1\nb: x\0y\n", "2:5: the control character U+0000"),
        (b"a: \x1b[31m\n", "1:4: the control character U+001B"),
        (b"a: \x7f\n", "1:4: the control character U+007F"),
        (b"a: 1\rb: 2\n", "1:5: a carriage return without a line feed"),
        (b"{a: 1}\n", "1:1: expected one `key: value` a line, found `{`"),
        (b"- a\n", "1:1: expected a mapping (`key: value` lines) at the top level"),
        (b"just text\n", "1:1: expected a mapping (`key: value` lines) at the top level"),
        (b"  a: 1\n", "1:3: the key `a` must start in the first column"),
        (b"? a\n: 1\n", "1:3: the key `a` must start in the first column"),
        (b": 1\n", "1:1: a key is missing"),
        (b"[a]: 1\n", "1:1: a list or a mapping can't be a key"),
        (b"a: b: c\n", "1:5: mapping values are not allowed in this context"),
        (b"a: [1, 2\n", "1:4: unclosed bracket '['"),
        (b"a: \"x\n", "1:4: unclosed quote"),
    ];
    for (bytes, want) in cases {
        assert_eq!(why(bytes), *want, "{:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn places_count_from_the_first_line_of_the_file() {
    assert_eq!(parse(b"a: 1\na: 2\n", 11).unwrap_err().line, 12);
    assert_eq!(parse(b"a: 1\nb: \0\n", 11).unwrap_err().line, 12);
    assert_eq!(parse(b"a: 1\nb: [\n", 11).unwrap_err().line, 12);
    assert_eq!(parse(b"a: 1\nb: 2\n", 11).unwrap().places[1].line, 12);
}

/// Each of these costs a careless parser quadratic or exponential time, or its stack. A test can't assert a time; it would
/// not come back.
#[test]
fn bombs_are_refused_early() {
    let mut aliases = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let row = vec![format!("*a{}", level - 1); 9].join(",");
        aliases.push_str(&format!("a{level}: &a{level} [{row}]\n"));
    }
    assert_eq!(why(aliases.as_bytes()), "1:9: anchors (`&`) are not allowed");
    let deep = "more than 16 lists and mappings inside each other";
    for bomb in [
        format!("a: {}", "[".repeat(1_000_000)),
        format!("a: {}", "{a: ".repeat(200_000)),
        format!("a:\n  {}", "- ".repeat(500_000)),
        (0..1_000).map(|level| format!("{}a:\n", " ".repeat(level))).collect(),
    ] {
        assert!(why(bomb.as_bytes()).ends_with(deep), "{}", why(bomb.as_bytes()));
    }
    let keys = format!("a:\n  {}", "? ".repeat(500_000));
    assert_eq!(why(keys.as_bytes()), "2:5: a list or a mapping can't be a key");
    let many = format!("a: [{}]", "1,".repeat(500_000));
    assert_eq!(why(many.as_bytes()), "1:200001: more than 100000 keys and values");
    let large = format!("a: {}", "x".repeat(MAX_BYTES));
    assert_eq!(why(large.as_bytes()), "1:1: the file has 1048579 bytes, at most 1048576 are allowed");
}

#[test]
fn sixteen_levels_and_a_mebibyte_are_accepted() {
    let deepest = format!("a: {}{}\n", "[".repeat(MAX_DEPTH - 1), "]".repeat(MAX_DEPTH - 1));
    assert!(parse(deepest.as_bytes(), 1).is_ok());
    let deeper = format!("a: {}{}\n", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(parse(deeper.as_bytes(), 1).is_err());
    let large = format!("a: {}", "x".repeat(MAX_BYTES - 3));
    assert!(parse(large.as_bytes(), 1).is_ok());
    let comments = format!("{}a: 1\n", "# c\n".repeat(200_000));
    assert!(parse(comments.as_bytes(), 1).is_ok());
}

/// Looking through all comments for each would take hours.
#[test]
fn a_list_below_many_comments_is_changed_soon() {
    let comments = "# c\n".repeat(200_000);
    let source = format!("a:\n- x\n{comments}- y\n");
    let mut document = Document::parse(source.as_bytes()).unwrap();
    let items = ["w", "y"].map(|item| Value::Text(item.to_owned()));
    document.set("a", &Value::List(items.to_vec()), &[]).unwrap();
    assert_eq!(document.as_str(), format!("a:\n- w\n{comments}- y\n"));
}
