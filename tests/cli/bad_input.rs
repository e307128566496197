//! Bad input, a row each. Whatever the row, the same oracles: no panic and no signal; an answer within
//! seconds; no control character on the terminal; a refusal says why and changes neither refs nor index nor
//! files; what was taken is whole; the good entries still work; `git fsck --strict` is silent.

use std::time::{Duration, Instant};

use super::support::{Answer, Sandbox};

/// What has to come of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Expect {
    /// Refused, and nothing has changed.
    No,
    /// Taken as it is.
    Yes,
}
use Expect::{No, Yes};

struct Table {
    sandbox: Sandbox,
    rows: usize,
}

impl Table {
    fn new() -> Self {
        let sandbox = Sandbox::board();
        let id = sandbox.add("Good");
        sandbox.run(&["t", "claim", "w", &id, "holder"]).ok();
        Self { sandbox, rows: 0 }
    }

    fn state(&self) -> String {
        let refs = self.sandbox.git(&["for-each-ref"]);
        let status = self.sandbox.git(&["status", "--porcelain=v2", "--branch", "--untracked-files=all"]);
        refs + &status
    }

    #[track_caller]
    fn row(&mut self, expect: Expect, words: &[&str]) -> Answer {
        self.rows += 1;
        let before = self.state();
        let began = Instant::now();
        let answer = self.sandbox.run(words);
        let took = began.elapsed();
        let shown: String = format!("{words:?}").chars().take(300).collect();
        assert!(took < Duration::from_secs(5), "{shown}: {took:?}");
        let text = answer.out.clone() + &answer.err;
        let control = text.chars().find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
        assert_eq!(control, None, "{shown}: {answer:?}");
        match expect {
            No => {
                assert!(matches!(answer.code, 1..=5), "{shown}: {answer:?}");
                assert!(!answer.err.is_empty() || answer.code == 1, "{shown}: {answer:?}");
                assert_eq!(self.state(), before, "{shown}");
            }
            Yes => assert_eq!(answer.code, 0, "{shown}: {answer:?}"),
        }
        answer
    }

    fn end(self) -> usize {
        self.end_with(0)
    }

    /// The good task is listed, with this exit code.
    fn end_with(self, code: i32) -> usize {
        let listed = self.sandbox.run(&["--json", "t", "list", "w", "--status", "in_progress"]).code(code);
        assert_eq!(listed.json()[0]["title"], "Good");
        self.sandbox.is_clean();
        self.rows
    }
}

const LONG: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// What names nothing: not a workstream, not an agent, not a topic.
const BAD_NAMES: &[&str] = &[
    "",
    " ",
    ".",
    "..",
    "../x",
    "a/../b",
    "/etc/passwd",
    "a//b",
    "a/",
    "/a",
    ".git",
    ".hidden",
    "-rf",
    "--json-",
    "a b",
    "a\tb",
    "a\nb",
    "a\u{0}b",
    "a\u{1b}[31m",
    "a\u{202e}b",
    "ä",
    "日本",
    "a:b",
    "a*b",
    "a?b",
    "a\\b",
    "a~b",
    "a^b",
    "a@{b",
    "x.lock",
    "x.",
    "HEAD",
    "CON",
    "nul",
    "com1",
    "LPT9.txt",
    LONG,
    "a\u{7f}",
    "\u{feff}a",
    "%2e%2e",
    "$(id)",
    "`id`",
    "a;b",
    "a|b",
    "'",
    "\"",
];

#[test]
fn names() {
    let mut table = Table::new();
    for name in BAD_NAMES.iter().filter(|name| !name.contains('\u{0}')) {
        table.row(No, &["ws", "create", "--", name]);
        table.row(No, &["t", "add", "--", name, "Title"]);
        table.row(No, &["a", "register", "--", name]);
        table.row(No, &["t", "next", "w", "--", name]);
        // Parts of a topic are names; several are none of a workstream's.
        table.row(No, &["kb", "write", "--", name, "text"]);
    }
    table.row(No, &["ws", "create", "W"]);
    table.row(No, &["kb", "write", "notes.md", "x"]);
    let rows = table.end();
    assert!(rows > 200, "{rows}");
}

#[test]
fn texts() {
    let mut table = Table::new();
    let million = "x".repeat(100_000);
    // One line where one line belongs.
    for text in
        ["", " ", "a\nb", "a\rb", "a\u{0085}b", "a\u{2028}b", "\u{1b}]0;title\u{7}", "a\u{200f}b", &million]
    {
        table.row(No, &["t", "add", "w", "--", text]);
        table.row(No, &["t", "block", "--reason", text, "--", "000"]);
        table.row(
            No,
            &["l", "acquire", "--reason", text, "git", "ada"]
                .map(|word| if word.is_empty() { "\n" } else { word }),
        );
        table.row(No, &["event", "log", "ada", "--", text]);
    }
    // Whatever looks like YAML, a trailer, a conflict or markup is text.
    for text in [
        "no",
        "null",
        "~",
        "1e3",
        "0x1f",
        "2026-01-01",
        "- a",
        "a: b",
        "{a}",
        "[a]",
        "&a",
        "*a",
        "!a",
        "%a",
        "@a",
        "`a`",
        "#a",
        "'",
        "\"",
        "a #b",
        "---",
        "...",
        ": ",
        "<<: a",
        "<<<<<<< HEAD",
        "=======",
        ">>>>>>> x",
        "Signed-off-by: x",
        "Orchestrator-Event: {}",
        "orchestrator: claim x",
        "<b>x</b>",
        "{{ x }}",
        "{% x %}",
        "$(id)",
        "\\",
        "日本語",
        "🦀",
        "e\u{301}",
        "\u{1f468}\u{200d}\u{1f469}",
    ] {
        let answer = table.row(Yes, &["--json", "t", "add", "w", "--", text, text]);
        let task = answer.json();
        assert_eq!((task["title"].as_str(), task["description"].as_str()), (Some(text), Some(text)));
        let id = task["id"].as_str().unwrap();
        table.row(Yes, &["t", "complete", id, "--agent", "ada", &format!("--result={text}")]);
        let shown = table.row(Yes, &["--json", "t", "show", id]).json();
        assert_eq!(shown["result"].as_str(), Some(text), "{shown}");
        table.row(Yes, &["kb", "write", "notes", "--", text]);
        assert_eq!(table.row(Yes, &["--json", "kb", "read", "notes"]).json()["content"].as_str(), Some(text));
        table.row(Yes, &["event", "log", "ada", "said", "--", &format!("what={text}")]);
    }
    for text in [
        "a\n\n---\nb: c\n",
        "---\nupdated_by: root\n---\n",
        "a\r\nb\r\n",
        "\n\n",
        "trailing  \n",
        "no newline",
        "\u{feff}x",
    ] {
        table.row(Yes, &["kb", "write", "notes", "--", text]);
        assert_eq!(table.row(Yes, &["--json", "kb", "read", "notes"]).json()["content"].as_str(), Some(text));
    }
    let events = table.sandbox.json(&["events", "--last", "10000"]);
    assert!(events.as_array().unwrap().iter().all(|event| event["agent"] != "root"));
    let rows = table.end();
    assert!(rows > 200, "{rows}");
}

#[test]
fn arguments() {
    let mut table = Table::new();
    for words in [
        &["nonsense"][..],
        &["t"],
        &["t", "add"],
        &["t", "add", "w"],
        &["t", "add", "nowhere", "x"],
        &["t", "add", "w", "x", "y", "high"],
        &["t", "add", "w", "x", "y", "1.5"],
        &["t", "add", "w", "x", "y", "99999999999999999999"],
        &["t", "claim", "w"],
        &["t", "claim", "w", "000"],
        &["t", "claim", "w", "00", "ada"],
        &["t", "claim", "w", "zzz", "ada"],
        &["t", "claim", "w", "00000000", "ada"],
        &["t", "claim", "w", "000000000", "ada"],
        &["t", "show", "../x"],
        &["t", "complete", "w"],
        &["t", "next", "nowhere", "ada"],
        &["t", "next", "w"],
        &["t", "list", "nowhere"],
        &["t", "list", "w", "--status", "Done"],
        &["t", "update", "000"],
        &["t", "reopen", "000"],
        &["ws", "show", "nowhere"],
        &["ws", "update", "w", "--status", "gone"],
        &["ws", "create", "w"],
        &["ws", "create", "v", "d", "-"],
        &["l", "acquire", "git"],
        &["l", "acquire", "git", "ada", "--ttl", "0s"],
        &["l", "acquire", "git", "ada", "--ttl", "25h"],
        &["l", "acquire", "git", "ada", "--ttl", "soon"],
        &["l", "acquire", "", "ada"],
        &["l", "acquire", "a\nb", "ada"],
        &["l", "release", "git", "ada"],
        &["l", "release", "git", "ada", "--force"],
        &["l", "release", "git", "ada", "--force", "--epoch", "1"],
        &["l", "release", "git", "ada", "--force", "--epoch", "x", "--reason", "y"],
        &["kb", "write", "x"],
        &["kb", "read", "nothing"],
        &["kb", "write", "x", "--file", "missing.md"],
        &["kb", "write", "x", "--file", "."],
        &["kb", "delete", "nothing"],
        &["kb", "search"],
        &["kb", "search", "zzzz"],
        &["events", "--last", "x"],
        &["events", "--since", "yesterdayish"],
        &["events", "--task", "000"],
        &["event", "log", "ada"],
        &["event", "log", "ada", "task_claimed"],
        &["event", "log", "ada", "x y"],
        &["event", "log", "ada", "x", "novalue"],
        &["event", "log", "ada", "x", "ts=1"],
        &["event", "log", "ada", "x", "a=1", "a=2"],
        &["event", "log", "ada", "x", "--data", "[1]"],
        &["event", "log", "ada", "x", "--data", "{"],
        &["event", "log", "ada", "x", "--data", "{\"agent\": \"root\"}"],
        &["brief", "nowhere"],
        &["brief", "w", "--task", "000"],
        &["brief", "w", "--budget", "x"],
        &["collect", "--since", "x"],
        &["collect", "--since", "1h", "--all"],
        &["import"],
        &["import", "missing"],
        &["import", "."],
        &["export"],
        &["export", "all", "."],
        &["--at", "nowhere", "status"],
        &["--at", "HEAD~99", "status"],
        &["--at", "HEAD:src.txt", "status"],
        &["--board", "nowhere", "status"],
        &["--board", "a..b", "status"],
        &["--timeout", "soon", "status"],
        &["--agent", "a b", "status"],
        &["-C", "missing", "status"],
        &["init", "--from", "missing"],
        &["git"],
        &["git", "status"],
        &["git", "--", "commit"],
        &["completions", "cmd"],
        &["selftest", "--agents", "0"],
        &["selftest", "--repo", "missing"],
        &["demo", "."],
    ] {
        table.row(No, words);
    }
    let rows = table.end();
    assert!(rows > 70, "{rows}");
}

#[test]
fn files() {
    let good =
        "id: 0000000a\nworkstream: w\ntitle: X\nstatus: pending\ncreated_at: 2026-02-06T07:36:59.474Z\n";
    let with = |key: &str, value: &str| good.replace(&format!("{key}: "), &format!("{key}: {value}\n#"));
    let deep = format!("id: 0000000a\nx: {}{}\n", "[".repeat(500), "]".repeat(500));
    let bomb = "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n".to_owned() + good;
    let rows: Vec<(&str, Vec<u8>)> = vec![
        ("empty", Vec::new()),
        ("no mapping", b"- a\n- b\n".to_vec()),
        ("a scalar", b"text\n".to_vec()),
        ("not UTF-8", b"id: \xff\xfe\n".to_vec()),
        ("UTF-16", "\u{feff}id".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("NUL", format!("{good}x: a\0b\n").into_bytes()),
        ("an unclosed list", format!("{good}labels: [a\n").into_bytes()),
        ("an unclosed quote", format!("{good}result: \"a\n").into_bytes()),
        ("tabs", format!("{good}x:\n\t- a\n").into_bytes()),
        ("a duplicate key", format!("{good}title: Y\n").into_bytes()),
        ("an alias bomb", bomb.into_bytes()),
        ("a tag", format!("{good}x: !!python/object:os.system a\n").into_bytes()),
        ("two documents", format!("{good}---\n{good}").into_bytes()),
        ("deep nesting", deep.into_bytes()),
        ("conflict markers", format!("<<<<<<< HEAD\n{good}=======\n{good}>>>>>>> x\n").into_bytes()),
        ("another id", with("id", "0000000b").into_bytes()),
        ("no id", good.replace("id: 0000000a\n", "").into_bytes()),
        ("no title", good.replace("title: X\n", "").into_bytes()),
        ("an empty title", with("title", "\"\"").into_bytes()),
        ("a title of two lines", with("title", "\"a\\nb\"").into_bytes()),
        ("no workstream", good.replace("workstream: w\n", "").into_bytes()),
        ("a path as workstream", with("workstream", "../w").into_bytes()),
        ("no status", good.replace("status: pending\n", "").into_bytes()),
        ("an unknown status", with("status", "Done").into_bytes()),
        ("a list as status", with("status", "[done]").into_bytes()),
        ("in progress by nobody", with("status", "in_progress").into_bytes()),
        ("a word as priority", format!("{good}priority: high\n").into_bytes()),
        ("a fraction as priority", format!("{good}priority: 1.5\n").into_bytes()),
        ("a huge priority", format!("{good}priority: 99999999999999999999\n").into_bytes()),
        ("a negative epoch", format!("{good}epoch: -1\n").into_bytes()),
        ("no time", with("created_at", "yesterday").into_bytes()),
        ("an impossible time", with("created_at", "2026-02-30T00:00:00Z").into_bytes()),
        ("a bad dependency", format!("{good}depends_on: [xyz]\n").into_bytes()),
        ("dependencies that are no list", format!("{good}depends_on: 0000000b\n").into_bytes()),
        ("labels that are no texts", format!("{good}labels: [[a]]\n").into_bytes()),
        ("a bad agent", format!("{good}assigned_to: a b\n").into_bytes()),
        ("5 MiB", format!("{good}description: {}\n", "x".repeat(5 << 20)).into_bytes()),
    ];
    let mut table = Table::new();
    let path = ".orchestrator/tasks/00/0000000a.yaml";
    std::fs::create_dir_all(table.sandbox.root.join(".orchestrator/tasks/00")).unwrap();
    let count = rows.len();
    for (name, bytes) in rows {
        std::fs::write(table.sandbox.root.join(path), &bytes).unwrap();
        table.sandbox.git(&["add", "."]);
        table.sandbox.git(&["commit", "-q", "-m", name]);
        let status = table.sandbox.run(&["status"]);
        assert_eq!(status.code, 5, "{name}: {status:?}");
        assert!(status.out.contains(&format!("{path}:")), "{name}: {status:?}");
        let shown = table.row(No, &["t", "show", "0000000a"]);
        assert_eq!(shown.code, 5, "{name}: {shown:?}");
        table.row(No, &["t", "claim", "w", "0000000a", "ada"]);
        // The others go on, and a list says what it is without.
        let listed = table.row(No, &["t", "list", "w"]).code(5);
        assert!(listed.out.contains("Good"), "{name}: {listed:?}");
        assert!(listed.err.contains(&format!("error: {path}:")), "{name}: {listed:?}");
        table.row(Yes, &["t", "add", "w", "Another"]);
    }
    let rows = table.end_with(5);
    assert_eq!(rows, count * 4);
}

#[test]
fn trees() {
    let mut table = Table::new();
    let root = table.sandbox.root.clone();
    let shard = root.join(".orchestrator/tasks/00");
    std::fs::create_dir_all(&shard).unwrap();
    for (name, make) in [
        ("a link", (|path| std::os::unix::fs::symlink("/etc/passwd", path).unwrap()) as fn(&std::path::Path)),
        ("a link to a directory", |path| std::os::unix::fs::symlink("..", path).unwrap()),
        ("a directory", |path| {
            std::fs::create_dir(path).unwrap();
            std::fs::write(path.join("x"), "x").unwrap();
        }),
    ] {
        let path = shard.join("0000000a.yaml");
        make(&path);
        table.sandbox.git(&["add", "."]);
        table.sandbox.git(&["commit", "-q", "-m", name]);
        assert_eq!(table.sandbox.run(&["status"]).code, 5, "{name}");
        table.row(No, &["t", "show", "0000000a"]);
        table.row(No, &["t", "claim", "w", "0000000a", "ada"]);
        table.row(Yes, &["t", "add", "w", "Another"]);
        table.sandbox.git(&["rm", "-q", "-r", path.to_str().unwrap()]);
        table.sandbox.git(&["commit", "-q", "-m", "Take it away"]);
        std::fs::create_dir_all(&shard).unwrap();
    }
    for stray in [
        "tasks/0000000b.yaml",
        "tasks/zz/x.yaml",
        "tasks/00/notes.txt",
        "workstreams/a b.yaml",
        "knowledge/x.txt",
    ] {
        let path = root.join(".orchestrator").join(stray);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "x: 1\n").unwrap();
        table.sandbox.git(&["add", "."]);
        table.sandbox.git(&["commit", "-q", "-m", stray]);
        let status = table.sandbox.run(&["status"]);
        assert!(status.code == 5 && status.out.contains(stray), "{stray}: {status:?}");
        table.row(Yes, &["t", "add", "w", "Another"]);
    }
    table.end_with(5);
}
