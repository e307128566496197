//! The law of bytes: text is data until a terminal. A document reaches a pipe as it was stored, JSON means what was
//! stored, and whatever the program composes holds nothing but what prints, line breaks, and its own styles.

use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::process::Stdio;

use super::support::{Answer, Sandbox};

/// What shows itself, and must stand as it is.
const SHOWN: [&str; 24] = [
    "word",
    " ",
    "it's",
    "\"quoted\"",
    "a\\nb",
    "\\u{1b}",
    "é",
    "e\u{301}",
    "日本語",
    "👨\u{200d}👩\u{200d}👧",
    "☎\u{fe0f}",
    "😀",
    "[31m",
    "```",
    "<b>",
    "| x |",
    "# head",
    "{{ x }}",
    "%0A",
    "$HOME",
    "א",
    "क\u{94d}\u{200d}ष",
    "𝔘",
    "- ",
];

/// What does not: each of these characters is escaped wherever the program composes.
const HIDDEN: [&str; 36] = [
    "\u{1}",
    "\u{7}",
    "\u{8}",
    "\u{b}",
    "\u{c}",
    "\u{1b}[2J",
    "\u{1b}]0;owned\u{7}",
    "\u{1b}[8m",
    "\u{7f}",
    "\u{85}",
    "\u{9b}31m",
    "\u{ad}",
    "\u{34f}",
    "\u{61c}",
    "\u{115f}",
    "\u{180e}",
    "\u{200b}",
    "\u{200e}",
    "\u{202e}",
    "\u{2028}",
    "\u{2029}",
    "\u{2066}",
    "\u{3164}",
    "\u{e000}",
    "\u{fdd0}[31m",
    "\u{fdd0}[8m",
    "\u{fe00}",
    "\u{feff}",
    "\u{ffa0}",
    "\u{fff9}",
    "\u{ffff}",
    "\u{e0001}",
    "\u{e0041}\u{e0042}",
    "\u{e01ef}",
    "\u{10ffff}",
    "\u{1d173}",
];

fn is_hidden(c: char) -> bool {
    c.is_control() || HIDDEN.iter().any(|text| text.chars().any(|hidden| hidden == c && !hidden.is_ascii()))
}

/// A text on one line as it is to be shown.
fn shown(line: &str, tab_stays: bool) -> String {
    let one = |c: char| {
        if c == '\t' && tab_stays || !is_hidden(c) { c.to_string() } else { c.escape_default().to_string() }
    };
    line.chars().map(one).collect()
}

/// As a seed has it: the same texts in every run.
fn texts(count: usize) -> Vec<String> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut texts: Vec<String> = (0..count)
        .map(|_| {
            let mut text = "x".to_owned();
            for _ in 0..=next(12) {
                text.push_str(match next(8) {
                    0..=3 => SHOWN[next(SHOWN.len())],
                    4 | 5 => HIDDEN[next(HIDDEN.len())],
                    6 => ["\n", "\r\n", "\r", "\n\n"][next(4)],
                    _ => "\t",
                });
            }
            text
        })
        .collect();
    texts[0] = "x😀\u{1b}[2J\n".repeat(64 * 1024 / 10);
    // Each of the hidden ones at least once, alone on the last line.
    for (text, hidden) in texts.iter_mut().skip(1).zip(HIDDEN) {
        *text = format!("x\nhint: y{hidden}z");
    }
    texts
}

/// The program, fed with lines of a batch.
fn batch(sandbox: &Sandbox, lines: &[serde_json::Value]) {
    let mut child = sandbox
        .command(&sandbox.root, &["batch"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Nothing in it but what prints, line breaks, tabs, and the program's own styles.
#[track_caller]
fn prints(text: &str) {
    let mut plain = text.to_owned();
    for style in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m", "\u{1b}[31m", "\u{1b}[32m", "\u{1b}[33m"] {
        plain = plain.replace(style, "");
    }
    let bad = plain.lines().find(|line| line.chars().any(|c| c != '\t' && is_hidden(c)));
    assert_eq!(bad, None);
}

#[test]
fn every_command_gives_the_bytes_the_value_or_what_prints() {
    let sandbox = Sandbox::board();
    let texts = texts(500);
    let mut lines = Vec::new();
    for (at, text) in texts.iter().enumerate() {
        lines.push(serde_json::json!(["t", "add", "w", format!("T{at}"), text]));
        lines.push(serde_json::json!(["kb", "write", format!("k{at}"), text]));
        lines.push(serde_json::json!(["event", "log", "ada", "said", format!("what={text}")]));
    }
    batch(&sandbox, &lines);

    // JSON means what was given, whatever the way.
    let tasks = sandbox.json(&["t", "list", "w"]);
    let tasks = tasks.as_array().unwrap();
    let state: serde_json::Value = sandbox.run(&["export", "state"]).ok().json();
    let events = sandbox.run(&["export", "events"]).ok().out;
    let said: Vec<serde_json::Value> = events
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|event| event["action"] == "said")
        .collect();
    let listed = sandbox.json(&["events", "--last", "500", "--action", "said"]);
    for (at, text) in texts.iter().enumerate() {
        let task = tasks.iter().find(|task| task["title"] == format!("T{at}")).unwrap();
        assert_eq!(task["description"], text.as_str());
        let stored = state["workstreams"]["w"]["tasks"].as_array().unwrap();
        let stored = stored.iter().find(|task| task["title"] == format!("T{at}")).unwrap();
        assert_eq!(stored["description"], text.as_str());
        assert_eq!((&said[at]["what"], &listed[at]["what"]), (&text.as_str().into(), &text.as_str().into()));
    }

    // A document reaches a pipe as it was written; a description is laid out, each line escaped.
    for (at, text) in texts.iter().enumerate().take(60) {
        let topic = format!("k{at}");
        assert_eq!(sandbox.run(&["kb", "read", &topic]).ok().out, *text);
        assert_eq!(sandbox.json(&["kb", "read", &topic])["content"], text.as_str());
        let task = tasks.iter().find(|task| task["title"] == format!("T{at}")).unwrap();
        let told = sandbox.run(&["t", "show", task["id"].as_str().unwrap()]).ok().out;
        let laid: String = text.lines().map(|line| format!("  {}\n", shown(line, true))).collect();
        assert!(told.contains(&format!("\nDESCRIPTION\n{laid}\nHISTORY\n")), "{told:?}\n{laid:?}");
    }

    // One line for each event, whatever is in it.
    let told = sandbox.run(&["events", "--last", "500", "--action", "said"]).ok().out;
    assert_eq!(told.lines().count(), 500);
    for (line, text) in told.lines().zip(&texts) {
        let what = line.split_once("what=").unwrap().1.trim_end_matches('…');
        let begins = what.get(..what.char_indices().nth(40).map_or(what.len(), |(at, _)| at)).unwrap();
        assert!(shown(text, false).starts_with(begins.trim_end()), "{line:?} {text:?}");
    }

    // Whatever else is composed, with colour, to any stream.
    let id = tasks[0]["id"].as_str().unwrap();
    for words in [
        &["status"][..],
        &["events", "--last", "2000"],
        &["t", "list"],
        &["ws", "show", "w"],
        &["log", id],
        &["log", "k3"],
        &["plan"],
        &["brief", "w", "--task", id],
        &["kb", "list"],
        &["kb", "search", "word"],
        &["collect", "--all"],
        &["diff", "HEAD~1..HEAD"],
        &["diff", "HEAD~1..HEAD", "--format", "markdown"],
        &["diff", "HEAD~1..HEAD", "--format", "json"],
        &["check"],
        &["check", "--format", "github"],
        &["check", "--format", "sarif"],
        &["verify"],
        &["undo"],
    ] {
        let words: Vec<&str> = ["--color", "always"].into_iter().chain(words.iter().copied()).collect();
        let answer = sandbox.run(&words);
        assert!(matches!(answer.code, 0 | 5), "{words:?}: {}", answer.err);
        prints(&answer.out);
        prints(&answer.err);
    }
}

/// On a terminal a document is escaped too. (Where no pseudo-terminal can be had, the printer's own tests say the same.)
#[test]
fn a_terminal_gets_what_prints() {
    let sandbox = Sandbox::board();
    let text = HIDDEN.concat();
    batch(
        &sandbox,
        &[serde_json::json!(["kb", "write", "k", text]), serde_json::json!(["t", "add", "w", "T", text])],
    );
    let program = env!("CARGO_BIN_EXE_orchestrator");
    for words in ["kb read k", "export state", "export events", "l list 'a\u{202e}\u{1b}[2Jb'"] {
        let mut command = std::process::Command::new("script");
        command
            .args(["-qec", &format!("{program} --color never {words}"), "/dev/null"])
            .current_dir(&sandbox.root);
        super::support::hermetic(&mut command, sandbox.home());
        let Ok(output) = command.output() else { return };
        let told = String::from_utf8(output.stdout).unwrap().replace("\r\n", "\n");
        assert!(!told.is_empty());
        prints(&told);
        assert!(!told.contains('\u{1b}'), "{told}");
        if words == "export state" {
            let state: serde_json::Value = serde_json::from_str(&told).unwrap();
            assert_eq!(state["workstreams"]["w"]["tasks"][0]["description"], text.as_str());
        }
    }
}

#[test]
fn no_text_becomes_a_style_or_a_line() {
    let sandbox = Sandbox::board();
    sandbox.run(&["t", "add", "w", "pay\u{fdd0}[8m"]).code(1);
    for title in [
        "a\u{61c}b",
        "a\u{ad}b",
        "a\u{180e}b",
        "a\u{fff9}b",
        "a\u{fe00}b",
        "a\u{e0041}b",
        "\u{3164}",
        "\u{2800}",
    ] {
        sandbox.run(&["t", "add", "w", title]).code(1);
        sandbox.run(&["l", "acquire", title, "ada"]).code(1);
    }
    let forged = "x\n2026-11-28 09:00:00  root        task_completed        workstream";
    for data in [serde_json::json!({forged: "ok"}), serde_json::json!({"a b": 1}), serde_json::json!({"": 1})]
    {
        let refused = sandbox.run(&["event", "log", "ada", "said", "--data", &data.to_string()]).code(1);
        assert_eq!(refused.err.lines().count(), 3, "{refused:?}");
    }
    // One that somebody committed by hand is shown on one line.
    let event = serde_json::json!({"ts": "2026-02-06T07:37:39.745Z", "agent": "a\nb", "action": "c\td", forged: "\u{1b}[2J",
        "id": "019c3188-3a21-7000-8000-000000000001"});
    sandbox.git(&["commit", "-q", "--allow-empty", "-m", "x", "-m", &format!("Orchestrator-Event: {event}")]);
    let told = sandbox.run(&["events", "--last", "1"]).ok().out;
    assert_eq!(told.lines().count(), 1, "{told}");
    prints(&told);
    assert!(told.contains("a\\nb") && told.contains("c\\td") && told.contains("\\u{1b}[2J"), "{told}");
    // What is said of arguments is one line, in text and in JSON.
    for words in [
        &["l", "list", "a\u{1b}[2J\nhint: rm"][..],
        &["t\nhint: rm"],
        &["--color", "a\nhint: rm", "status"],
        &["t", "list", "--nope\u{202e}"],
    ] {
        let told = sandbox.run(words).code(2);
        prints(&told.err);
        assert!(!told.err.contains("\nhint: rm"), "{told:?}");
        let told = sandbox.run(&[&["--json"], words].concat()).code(2);
        prints(&told.err);
    }
    let colored = sandbox.run(&["--color=always", "nonsense"]).code(2);
    assert!(colored.err.contains("\u{1b}["), "{colored:?}");
}

#[test]
fn what_is_not_utf8_is_named_and_is_no_panic() {
    let sandbox = Sandbox::board();
    let bad = OsStr::from_bytes(b"caf\xe9");
    for json in [&["--json"][..], &[]] {
        let mut command = sandbox.command(&sandbox.root, json);
        let output = command.args(["t", "add", "w"]).arg(bad).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{told}");
        assert!(told.contains("is not UTF-8: `caf\\") && told.contains("xe9`"), "{told}");
    }
    // git's own words are whatever git takes.
    std::fs::write(sandbox.root.join(bad), "x\n").unwrap();
    let mut command = sandbox.command(&sandbox.root, &["git", "--", "add"]);
    assert!(command.arg(bad).status().unwrap().success());
    assert_eq!(sandbox.git(&["status", "--short"]), "A  \"caf\\351\"\n");
    for (name, code) in [
        // Readings need nobody who acts.
        ("ORCHESTRATOR_AGENT", 0),
        ("ORCHESTRATOR_BOARD", 2),
        ("GIT_AUTHOR_NAME", 0),
        ("TERM", 0),
        ("NO_COLOR", 0),
        ("COLUMNS", 0),
        ("LC_ALL", 0),
        ("ORCHESTRATOR_DIR", 0),
    ] {
        let output = sandbox.command(&sandbox.root, &["status"]).env(name, bad).output().unwrap();
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(code), "{name}: {told}");
        assert!(code == 0 || told.contains(name), "{name}: {told}");
    }
}

/// An answer that can't be printed is told from one of "no", and from a failure: what is done is done.
#[test]
fn an_answer_that_can_not_be_printed_says_what_is_done() {
    let sandbox = Sandbox::board();
    sandbox.add("Pay");
    let full = || OpenOptions::new().write(true).open("/dev/full");
    if full().is_err() {
        return;
    }
    let lost = |words: &[&str]| {
        let output = sandbox.command(&sandbox.root, words).stdout(full().unwrap()).output().unwrap();
        Answer {
            code: output.status.code().unwrap(),
            out: String::new(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    };
    for (words, done) in [
        (&["t", "next", "w", "ada"][..], Some("commit ")),
        (&["--json", "t", "add", "w", "x"], Some("commit ")),
        (&["l", "acquire", "git", "ada"], Some("the lock is held, epoch 1")),
        (&["l", "acquire", "git", "bob"], None),
        (&["l", "release", "git", "ada"], Some("the lock is free")),
        (&["status"], None),
        (&["--json", "status"], None),
        (&["export", "events"], None),
        (&["--help"], None),
        (&["t", "add", "--help"], None),
        (&["--version"], None),
        (&["completions", "bash"], None),
        (&["export", "all", "data"], Some("2 files in data")),
        (&["man", "pages"], Some(" pages in pages")),
        (&["init", "--ci", "github"], Some("planted: .github/workflows/orchestrator.yml")),
        (&["a", "heartbeat", "ada"], Some("it is noted")),
        (&["init", "--board", "coordination"], Some("git's configuration is set")),
    ] {
        let told = lost(words).code(74);
        match done {
            Some(what) => {
                assert!(told.err.contains("it is done (") && told.err.contains(what), "{words:?}: {told:?}")
            }
            None => assert!(
                told.err.contains("the answer could not be printed: ") && !told.err.contains("it is done"),
                "{words:?}: {told:?}"
            ),
        }
    }
    assert_eq!(sandbox.json(&["t", "list", "--assigned-to", "ada"]).as_array().unwrap().len(), 1);
    assert_eq!(sandbox.json(&["l", "list"]).as_array().unwrap().len(), 0);
    // A remark that can't be printed is part of the answer; a refusal keeps its code, which says it.
    let muted = |words: &[&str]| {
        sandbox.command(&sandbox.root, words).stderr(full().unwrap()).status().unwrap().code()
    };
    assert_eq!(muted(&["--at", "HEAD", "t", "list"]), Some(74));
    assert_eq!(muted(&["-q", "--at", "HEAD", "t", "list"]), Some(0));
    assert_eq!(muted(&["t", "show", "00000000"]), Some(1));
}

/// Hosts act on what commit messages say; none of it may come from a text.
#[test]
fn nothing_in_a_message_acts_on_a_host() {
    let sandbox = Sandbox::board();
    let hostile = "[skip ci] fixes #1 @ada/team ***NO_CI*** GH-1 !2 skip-checks: true https://x/issues/1";
    let id = sandbox.add(hostile);
    sandbox.run(&["ws", "create", "GH-7"]).ok();
    sandbox.run(&["t", "claim", "w", &id, "ada"]).ok();
    sandbox.run(&["t", "complete", &id, "--result", hostile, "--agent", "ada"]).ok();
    sandbox.run(&["l", "acquire", hostile, "ada", "--reason", hostile]).ok();
    sandbox.run(&["l", "release", hostile, "ada"]).ok();
    sandbox.run(&["event", "log", "ada", "said", &format!("what={hostile}"), "#1=@ada"]).ok();
    std::fs::create_dir(sandbox.root.join("../data")).unwrap();
    let line = r##"{"ts":"2026-01-01T00:00:00.000Z","agent":"@ada","action":"said","x":"fixes #1 \u0040ada [skip ci]"}"##;
    sandbox.write("../data/state.json", r#"{"version":1,"workstreams":{},"agents":{},"locks":{}}"#);
    sandbox.write("../data/events.jsonl", &format!("{line}\n{line}\n"));
    sandbox.run(&["import", "../data"]).ok();
    sandbox.run(&["undo", "--agent", "ada"]);
    let messages = sandbox.git(&["log", "--all", "--format=%B"]).to_lowercase();
    for sign in ["[skip", "#1", "@ada", "***no_ci", "gh-1", "gh-7", "!2", "skip-checks", "://x"] {
        // The address of an author is no part of a message.
        assert!(!messages.contains(sign), "{sign}: {messages}");
    }
    // The values are what they were, and what was imported stands as it stood.
    let events = sandbox.json(&["events", "--last", "100"]);
    let events = events.as_array().unwrap();
    assert!(events.iter().any(|event| event["result"] == hostile));
    assert!(events.iter().any(|event| event["#1"] == "@ada" && event["what"] == hostile));
    assert_eq!(events.iter().filter(|event| event["agent"] == "@ada").count(), 2);
    let exported = sandbox.run(&["export", "events"]).ok().out;
    assert_eq!(exported.lines().filter(|exported| *exported == line).count(), 2, "{exported}");
    let again = sandbox.run(&["import", "../data"]).ok();
    assert!(again.out.contains("nothing changed"), "{again:?}");
    sandbox.run(&["verify"]).ok();
}
