//! Texts, words, numbers, times, requests and streams.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;

use serde_json::json;

use super::{NOTHING, Rows, With, crossed, line};

/// A character of each kind that does not print: controls, marks of direction, tags, nothing and the like.
const UNPRINTABLE: [char; 14] = [
    '\u{1b}',    // escape
    '\u{202e}',  // turns the direction of writing
    '\u{e0041}', // a tag
    '\u{9b}',    // a control sequence in one character
    '\u{7f}',    // delete
    '\u{61c}',   // Arabic letter mark
    '\u{fdd0}',  // no character
    '\u{fffe}',  // no character either
    '\u{e000}',  // private use
    '\u{3164}',  // a filler
    '\u{ad}',    // soft hyphen
    '\u{fe00}',  // a variation selector
    '\u{fff9}',  // interlinear annotation
    '\u{378}',   // not assigned
];

#[test]
fn what_does_not_print_is_refused_where_one_line_is_wanted() {
    let mut rows = Rows::new();
    let good = rows.good.clone();
    let surfaces = [
        "t add w ?",
        "kb write ? x",
        "a register ada --capability ?",
        "l acquire git ada --reason ?",
        "t add w x --label ?",
        "t add w x --estimate ?",
        "t update GOOD --title ?",
        "t update GOOD --add-label ?",
        "t update GOOD --estimate ?",
        "t next w ?",
        "t claim w GOOD ?",
        "ws create ?",
        "ws show ?",
        "a register ?",
        "a register ada ?",
        "a heartbeat ?",
        "l acquire ? ada",
        "event log ada ?",
        "event log ada said ?=1",
        "event log ? said",
        "brief ?",
        "--agent=? t add w x",
        "log ?",
        "kb read ?",
    ];
    let mut count = 0;
    for (c, surface) in crossed(&UNPRINTABLE, 4, &surfaces, 4) {
        count += 1;
        let told = rows.no(1, "", &line(&surface.replace("GOOD", &good), format!("a{c}b")), &NOTHING);
        let says = ["does not print", "can't name", "is called"].iter().any(|says| told.err.contains(says));
        assert!(says, "{surface}: {}", told.err);
    }
    for c in &UNPRINTABLE[..4] {
        count += 2;
        let text = format!("a{c}b");
        let data = json!({ (text.clone()): 1 }).to_string();
        rows.no(1, "can't name a field", &["event", "log", "ada", "said", "--data", &data], &NOTHING);
        let request = json!(["t", "add", "w", text]).to_string();
        rows.no(1, "line 1", &["batch"], &With { stdin: Some(request.as_bytes()), ..NOTHING });
    }
    assert_eq!((rows.end(), count), (4 * 26 + 10 * 4, 4 * 26 + 10 * 4));
}

#[test]
fn what_does_not_print_is_kept_where_any_text_is_taken_and_told_as_data() {
    let mut rows = Rows::new();
    for (at, c) in UNPRINTABLE.into_iter().enumerate() {
        let text = format!("a{c}[31mb\nhint: rm -rf c");
        let told = rows.yes(&["--json", "t", "add", "w", "Task", &text]);
        let task: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        assert_eq!(task["description"], text.as_str());
        let id = task["id"].as_str().unwrap();
        let reads = ["t show", "brief w --task", "log", "events", "status", "diff HEAD~1..HEAD"];
        let reads = if at < 3 { &reads[..] } else { &reads[..1] };
        if at < 3 {
            rows.yes(&["t", "block", id, "--reason", &text]);
            rows.yes(&["t", "unblock", id]);
            rows.yes(&["t", "claim", "w", id, "ada"]);
            rows.yes(&["event", "log", "ada", "said", &format!("what={text}")]);
            rows.yes(&["kb", "write", "text", &text]);
            assert_eq!(rows.yes(&["kb", "read", "text"]).out, text);
            rows.yes(&["t", "update", id, "--description", &text, "--title", "New"]);
        }
        for read in reads {
            let mut words: Vec<&str> = read.split(' ').collect();
            let of_one = matches!(*read, "t show" | "brief w --task" | "log");
            words.extend(of_one.then_some(id));
            let told = rows.yes(&words);
            let bad = |told: char| told == c || told.is_control() && !matches!(told, '\n' | '\t');
            assert!(!told.out.contains(bad), "{words:?}: {}", told.out);
            // A brief has a description as it is, for whoever works on it.
            assert!(words[0] == "brief" || !told.out.contains("\nhint: rm"), "{words:?}: {}", told.out);
        }
    }
    assert_eq!(rows.end(), 3 * 14 + 11 * 2);
}

#[test]
fn words_that_are_not_utf_8_are_refused_in_every_place() {
    let mut rows = Rows::new();
    let bad = OsStr::from_bytes(b"caf\xe9");
    for surface in [
        "t add w ?",
        "t add ? x",
        "t add w x ?",
        "t claim w ? ada",
        "t claim w 123 ?",
        "t list ?",
        "t list --status ?",
        "t complete 123 --result ?",
        "t block 123 --reason ?",
        "ws create ?",
        "a register ?",
        "l acquire ? ada",
        "l acquire git ada --ttl ?",
        "kb write ? x",
        "kb write x ?",
        "kb read ?",
        "kb search ?",
        "event log ada ?",
        "event log ada said ?",
        "event log ada said --data ?",
        "events --action ?",
        "events --since ?",
        "log ?",
        "undo ?",
        "brief ?",
        "check ?",
        "verify ?",
        "completions ?",
        "--agent ? status",
        "--board ? status",
        "--at ? status",
        "--timeout ? status",
    ] {
        rows.no(2, "is not UTF-8", &line(surface, bad), &NOTHING);
    }
    for surface in ["?", "--json ?", "? --json", "--color ? status"] {
        rows.no(2, "xe9'", &line(surface, bad), &NOTHING);
    }
    // A path may be any bytes; there is nothing there.
    for surface in ["kb write x --file ?", "import ?", "import --state ?", "-C ? status"] {
        rows.no(1, "caf", &line(surface, bad), &NOTHING);
    }
    for name in ["ORCHESTRATOR_AGENT", "ORCHESTRATOR_BOARD", "ORCHESTRATOR_COMPLETE"] {
        rows.no(2, name, &["t", "add", "w", "x"], &With { env: &[(name, bad)], ..NOTHING });
    }
    rows.no(1, "ORCHESTRATOR_DIR", &["import"], &With { env: &[("ORCHESTRATOR_DIR", bad)], ..NOTHING });
    for name in ["NO_COLOR", "TERM", "HOME", "COMPLETE", "LANG", "PAGER", "EDITOR", "ORCHESTRATOR_AGENT"] {
        let told = rows.call(&["status"], &With { env: &[(name, bad)], ..NOTHING });
        assert_eq!(told.code, Some(0), "{name}: {}", told.err);
    }
    assert_eq!(rows.end(), 32 + 4 + 4 + 4 + 8);
}

#[test]
fn numbers_and_lengths_of_time_are_read_strictly() {
    let mut rows = Rows::new();
    let good = rows.good.clone();
    let lengths = [
        "+5s",
        "５s",
        "1.5h",
        "",
        " 5s",
        "5s ",
        "-5s",
        "5 s",
        "1e3",
        "5S",
        "5y",
        "0x5",
        "∞",
        "18446744073709551616",
    ];
    let surfaces =
        ["l acquire git ada --ttl=?", "l acquire git ada --wait=?", "--timeout=? status", "verify --slack=?"];
    for (text, surface) in crossed(&lengths, 3, &surfaces, 1) {
        rows.no(2, "no length of time", &line(surface, text), &NOTHING);
    }
    let numbers = [
        "+5",
        "５",
        "5.0",
        "",
        " 5",
        "5 ",
        "1e3",
        "0x5",
        "1_000",
        "1,000",
        "five",
        "∞",
        "99999999999999999999",
    ];
    let surfaces = [
        "events --last=?",
        "t add w x --priority=?",
        "brief w --budget=?",
        "t add w x text ?",
        "t update GOOD --priority=?",
        "t complete GOOD --epoch=?",
        "t release GOOD --epoch=?",
        "ws create v --priority=?",
        "ws create v text ?",
        "ws update w --priority=?",
        "l release git ada --force --reason r --epoch=?",
        "selftest --repo nowhere --rounds=?",
        "selftest --repo nowhere --agents=?",
        "selftest --repo nowhere --worktrees=?",
        "selftest --repo nowhere --calls=?",
        "selftest --repo nowhere --seed=?",
        "merge-driver a b c d --marker-size=?",
    ];
    for (text, surface) in crossed(&numbers, 3, &surfaces, 2) {
        rows.no(2, "invalid value", &line(&surface.replace("GOOD", &good), text), &NOTHING);
    }
    for surface in
        ["events --last=?", "brief w --budget=?", "t complete GOOD --epoch=?", "selftest --calls=?"]
    {
        rows.no(2, "invalid value", &line(&surface.replace("GOOD", &good), "-1"), &NOTHING);
    }
    for times in
        ["yesterday", "+2h", "2 h", "", "2026-13-01", "2026-02-30", "2026-02-06T25:00:00Z", "２h", "60"]
    {
        rows.no(2, "point in time", &line("events --since=?", times), &NOTHING);
    }
    assert_eq!(rows.end(), (3 * 4 + 11) + (3 * 17 + 10 * 2) + 4 + 9);
}

#[test]
fn what_names_no_commit_is_no_time_either() {
    let mut rows = Rows::new();
    let words = [
        "0000000000000000000000000000000000000000",
        "a\u{1b}[31m",
        "HEAD~9999",
        "0000000",
        "1234567",
        "5",
        "",
        "@{99}",
        "main@{99}",
        "HEAD^5",
        "HEAD^{blob}",
        ":/no such subject",
        "refs/heads/none",
        "-1",
        "..",
        "HEAD..",
    ];
    let surfaces =
        ["--at=? t list", "--at=? status", "--at=? export state", "--at=? kb list", "--at=? events"];
    for (word, surface) in crossed(&words, 3, &surfaces, 1) {
        rows.no(1, "", &line(surface, word), &NOTHING);
    }
    assert_eq!(rows.end(), 3 * 5 + 13);
}

#[test]
fn a_batch_names_the_line_that_is_wrong() {
    let mut rows = Rows::new();
    let good = r#"["t","add","w","A"]"#;
    for (at, line) in [
        (1, "[]"),
        (1, "{}"),
        (1, "null"),
        (1, "\"t add w x\""),
        (1, "[1]"),
        (1, r#"["t","add","w",1]"#),
        (1, r#"["t","add","w",null]"#),
        (1, r#"["t","add","w",["x"]]"#),
        (1, r#"["t","add","w","x""#),
        (1, r#"["t","add","w","x"] ["t"]"#),
        (1, r#"["status"]"#),
        (1, r#"["t","add","--help"]"#),
        (1, r#"["--version"]"#),
        (1, r#"["--board","other","t","add","w","x"]"#),
        (1, r#"["-C","..","t","add","w","x"]"#),
        (1, r#"["--at","HEAD","t","list"]"#),
        (1, r#"["--json","t","add","w"]"#),
        (1, r#"["undo"]"#),
        (1, r#"["init"]"#),
        (1, r#"["batch"]"#),
        (1, r#"["git","--","status"]"#),
        (1, r#"["kb","write","x","-"]"#),
        (1, r#"["kb","write","x","--file","-"]"#),
        (1, r#"["l","acquire","git","a","--wait","1s"]"#),
        (1, r#"["a","heartbeat","ada"]"#),
        (1, r#"["t","claim","@1","--agent","a"]"#),
        (1, r#"["t","claim","@0","--agent","a"]"#),
        (1, r#"["t","claim","@2","--agent","a"]"#),
        (2, r#"["t","claim","@3","--agent","a"]"#),
        (2, r#"["t","claim","@01","--agent","a"]"#),
        (2, r#"["t","claim","@99999999999999999999","--agent","a"]"#),
        (2, r#"["t","add","w","\u0007"]"#),
        (2, r#"["t","add","nowhere","x"]"#),
        (2, r#"["t","claim","w","ffffffff","a"]"#),
        (2, r#"["nonsense"]"#),
        (2, "\u{0}"),
        (2, "\u{feff}[\"t\",\"add\",\"w\",\"x\"]"),
        (2, r#"["t","update","@1","--priority","+5"]"#),
        (2, r#"["t","add","w","x","--agent","a b"]"#),
        (2, r#"["t","show","@1","--color","always","extra"]"#),
    ] {
        let text = if at == 1 { line.to_owned() } else { format!("{good}\n{line}") };
        let stdin = [text.as_bytes(), b"\n"].concat();
        let before = rows.state();
        let told = rows.call(&["batch"], &With { stdin: Some(&stdin), ..NOTHING });
        assert!(matches!(told.code, Some(1 | 2)), "{line}: {:?} {}", told.code, told.err);
        assert!(told.err.contains(&format!("line {at}: ")), "{line}: {}", told.err);
        // JSON counts lines from its own beginning, which would be another number of a line.
        assert!(!told.err.contains("line 1 column"), "{line}: {}", told.err);
        assert!(!told.err.contains("Coordinate many agents"), "{line}: {}", told.err);
        assert!(told.out.is_empty() && rows.state() == before, "{line}");
    }
    for (kind, bytes) in
        [("Latin-1", &b"[\"t\",\"add\",\"w\",\"caf\xe9\"]\n"[..]), ("UTF-16", b"\xff\xfe[\0]\0")]
    {
        let told = rows.no(
            2,
            "line 1: standard input is not UTF-8",
            &["batch"],
            &With { stdin: Some(bytes), ..NOTHING },
        );
        assert!(!told.err.contains("split it"), "{kind}: {}", told.err);
    }
    // What some shells pipe: a mark before the first line, and their own line ends.
    let told = rows.call(
        &["batch"],
        &With { stdin: Some(b"\xef\xbb\xbf[\"t\",\"add\",\"w\",\"x\"]\r\n\r\n"), ..NOTHING },
    );
    assert_eq!(told.code, Some(0), "{}", told.err);
    assert_eq!(rows.end(), 40 + 2 + 1);
}

#[test]
fn fields_that_readers_trust_are_not_given_by_hand() {
    let mut rows = Rows::new();
    for key in ["id", "ts", "agent", "action", "derived", "undoes", "ID", "Ts", "AGENT", "Undoes"] {
        let data = json!({ key: "x" }).to_string();
        rows.no(1, key, &["event", "log", "ada", "said", &format!("{key}=x")], &NOTHING);
        rows.no(1, key, &["event", "log", "ada", "said", "--data", &data], &NOTHING);
    }
    for data in [
        "[]",
        "1",
        "null",
        "",
        "{",
        "{}}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":1,\"a\":2}",
        "{\"a\":NaN}",
        "{\"a\":123456789012345678901234567890}",
        "{\"a\":\"\\ud800\"}",
        "\"x\"",
        "\u{feff}{}",
    ] {
        rows.no(2, "--data", &["event", "log", "ada", "said", "--data", data], &NOTHING);
    }
    assert_eq!(rows.end(), 20 + 14);
}

/// An answer that can't be printed: what was done is done, and is told so with a code of its own.
#[test]
fn an_answer_that_can_not_be_printed_has_a_code_of_its_own() {
    let rows = Rows::new();
    let full = || fs::OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        return;
    }
    let call = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        let output =
            rows.sandbox.command(&rows.sandbox.root, &words).stdout(full().unwrap()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let id = rows.sandbox.add("Other");
    let reads = [
        "status",
        "t list",
        "--json t list",
        "ws list",
        "kb read notes",
        "kb list",
        "export state",
        "export events",
        "events",
        "log w",
        "plan",
        "l list",
        "doctor",
        "verify",
        "check",
        "diff HEAD~1..HEAD",
        "l show git",
        "--help",
        "t add --help",
        "--version",
        "completions bash",
    ];
    for line in reads {
        let (code, err) = call(line);
        assert_eq!(code, Some(74), "{line}: {err}");
        assert!(err.contains("could not be printed") && !err.contains("it is done"), "{line}: {err}");
    }
    for line in [
        "t add w New",
        &format!("t claim w {id} ada"),
        &format!("t complete {id} --agent ada"),
        &format!("t reopen {id}"),
        "l acquire git ada",
        "l release git ada",
        "kb write notes more",
        "event log ada said",
        "ws create v",
        "a register ada",
        "undo",
        "collect",
        "init --board elsewhere",
    ] {
        let before = rows.state();
        let (code, err) = call(line);
        assert_eq!(code, Some(74), "{line}: {err}");
        assert!(err.contains("it is done"), "{line}: {err}");
        assert!(rows.state() != before, "{line}");
    }
    rows.end();
}
