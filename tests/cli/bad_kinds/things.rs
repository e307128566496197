//! Files, ids, names, variables and refs.

use std::fs;

use super::{NOTHING, Rows, With, crossed, line};

/// A directory with a file of each kind; their names.
fn files(rows: &Rows) -> std::path::PathBuf {
    let dir = rows.sandbox.home().join("in");
    fs::create_dir_all(dir.join("directory")).unwrap();
    for (name, bytes) in [
        ("good", br#"{"version":1,"workstreams":{},"agents":{},"locks":{}}"#.to_vec()),
        ("empty", Vec::new()),
        ("bom", b"\xef\xbb\xbfx".to_vec()),
        ("crlf", b"a\r\nb\r\n".to_vec()),
        ("nul", b"a\0b".to_vec()),
        ("latin", b"caf\xe9".to_vec()),
        ("utf16", b"\xff\xfe{\0}\0".to_vec()),
        ("huge", vec![b'x'; (1 << 20) + 1]),
        ("list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("torn", b"{\"version\":1,".to_vec()),
        ("twice", b"{\"version\":1,\"version\":2}".to_vec()),
        ("deep", vec![b'['; 100_000]),
        ("text", b"text".to_vec()),
    ] {
        fs::write(dir.join(name), bytes).unwrap();
    }
    for (to, link) in [("loop", "loop"), ("nowhere", "dangling")] {
        std::os::unix::fs::symlink(to, dir.join(link)).unwrap();
    }
    let fifo = std::process::Command::new("mkfifo").arg(dir.join("fifo")).status().unwrap();
    assert!(fifo.success());
    dir
}

#[test]
fn files_handed_in_are_read_whole_or_named() {
    let mut rows = Rows::new();
    let dir = files(&rows);
    let path = |name: &str| {
        if name.starts_with('/') { name.to_owned() } else { dir.join(name).display().to_string() }
    };
    let good = path("good");
    // Neither a text that may be kept nor anything of the predecessor's.
    let nowhere = ["directory", "loop", "dangling", "missing", "text/x", "/dev/zero"];
    for name in nowhere.into_iter().chain(["latin", "utf16", "huge"]) {
        rows.no(1, &path(name), &["kb", "write", "x", "--file", &path(name)], &NOTHING);
    }
    rows.no(1, "NUL", &["kb", "write", "x", "--file", &path("nul")], &NOTHING);
    for name in nowhere.into_iter().chain(["fifo", "/dev/null"]) {
        rows.no(1, &path(name), &["import", "--state", &path(name)], &NOTHING);
        // Who names a file means one: it is not as if there were none.
        rows.no(1, &path(name), &["import", "--state", &good, "--events", &path(name)], &NOTHING);
    }
    for name in nowhere[1..].iter().chain(&["fifo", "/dev/null", "empty", "text", "good"]) {
        rows.no(1, &path(name), &["import", "--state", &good, "--knowledge", &path(name)], &NOTHING);
    }
    for name in
        ["bom", "crlf", "nul", "latin", "utf16", "huge", "list", "null", "torn", "twice", "deep", "text"]
    {
        rows.no(1, "\n  state.json:1:", &["import", "--state", &path(name)], &NOTHING);
        rows.no(1, "\n  events.jsonl:1:", &["import", "--state", &good, "--events", &path(name)], &NOTHING);
    }
    rows.no(1, "\n  state.json:1:1", &["import", "--state", &path("empty")], &NOTHING);
    for name in ["loop", "dangling", "missing", "text", "text/x", "fifo", "/dev/null"] {
        rows.no(1, &path(name), &["import", &path(name)], &NOTHING);
        rows.no(1, &path(name), &["init", "--from", &path(name)], &NOTHING);
        rows.no(1, &path(name), &["-C", &path(name), "status"], &NOTHING);
    }
    for name in ["loop", "dangling", "text", "text/x", "fifo", "/dev/null"] {
        rows.no(1, &path(name), &["export", "all", &path(name)], &NOTHING);
        rows.no(1, &path(name), &["man", &path(name)], &NOTHING);
    }
    for words in ["kb write x --file=", "import --state=", "import ?", "export all ?", "man ?", "-C ? status"]
    {
        rows.no(2, "value is required", &line(words, ""), &NOTHING);
    }
    // Bytes that are a text are kept as they are.
    for name in ["empty", "bom", "crlf", "deep"] {
        rows.yes(&["kb", "write", name, "--file", &path(name)]);
        let kept = rows.sandbox.json(&["kb", "read", name])["content"].as_str().unwrap().to_owned();
        assert_eq!(kept.as_bytes(), fs::read(path(name)).unwrap(), "{name}");
    }
    // A path is one from where `-C` says.
    let sub = rows.sandbox.root.join("sub");
    fs::create_dir_all(sub.join("taken")).unwrap();
    rows.yes(&["-C", "sub", "man", "pages"]);
    assert!(sub.join("pages/orchestrator.1").is_file() && !rows.sandbox.root.join("pages").exists());
    rows.no(1, "`sub/taken` is there already", &["-C", "sub", "demo", "taken"], &NOTHING);
    rows.no(1, "`sub/none`", &["-C", "sub", "selftest", "--repo", "none"], &NOTHING);
    assert_eq!(rows.end(), 10 + 16 + 10 + 25 + 21 + 12 + 6 + 4 + 3);
}

#[test]
fn ids_are_eight_digits_and_their_beginnings_wherever_a_task_is_named() {
    let mut rows = Rows::new();
    let good = rows.good.clone();
    rows.sandbox.run(&["ws", "create", "v"]).ok();
    let other = rows.sandbox.json(&["t", "add", "v", "Other"])["id"].as_str().unwrap().to_owned();
    let kinds = [
        "@1".to_owned(),
        "１２３４５６７８".to_owned(),
        String::new(),
        good[..2].to_owned(),
        format!("{good}0"),
        format!("0x{good}"),
        format!("{good} "),
        format!(" {good}"),
        format!("{good}\n"),
        format!("#{good}"),
        format!("{good}.yaml"),
        format!("{}/{good}", &good[..2]),
        "٠٠٠".to_owned(),
        "*".to_owned(),
        "w".to_owned(),
    ];
    let verbs = [
        "t show ?",
        "t claim w ? ada",
        "t claim ? --agent ada",
        "t complete w ?",
        "t complete ?",
        "t release ?",
        "t block ? --reason r",
        "t unblock ?",
        "t cancel ? --reason r",
        "t reopen ?",
        "t update ? --title x",
        "t update GOOD --add-dependency ?",
        "t update GOOD --remove-dependency ?",
        "t add w x --depends-on ?",
        "brief w --task ?",
        "events --task ?",
    ];
    for (kind, verb) in crossed(&kinds, 3, &verbs, 2) {
        rows.no(2, "is no task id", &line(&verb.replace("GOOD", &good), kind), &NOTHING);
    }
    // Well written, and of no task; of a task elsewhere.
    for verb in verbs {
        rows.no(1, "`00000000`", &line(&verb.replace("GOOD", &good), "00000000"), &NOTHING);
    }
    for verb in ["t claim w ? ada", "t complete w ?", "brief w --task ?"] {
        rows.no(1, "is in workstream `v`, not in `w`", &line(verb, &other), &NOTHING);
    }
    for word in ["00000000", "@1", "#x", "task:00000000"] {
        rows.no(1, "", &["log", word], &NOTHING);
        rows.no(1, "begins with", &["undo", word], &NOTHING);
    }
    for same in [good.to_ascii_uppercase(), good[..6].to_owned(), good[..7].to_owned()] {
        assert!(rows.yes(&["t", "show", &same]).out.starts_with(&good));
    }
    assert_eq!(rows.end(), (3 * 16 + 12 * 2) + 16 + 3 + 8 + 3);
}

#[test]
fn names_are_names_wherever_one_is_taken() {
    let mut rows = Rows::new();
    let long = "x".repeat(300);
    let kinds =
        ["..", "a.lock", "é", "e\u{301}", ".git", "-x", "CON", "a.", &long, "$(id)", "it's", "a;b", "W W"];
    let surfaces = [
        "ws show -- ?",
        "kb delete -- ?",
        "ws create -- ?",
        "ws update --description d -- ?",
        "t list -- ?",
        "t add -- ? x",
        "t next -- ? ada",
        "t next w -- ?",
        "t update GOOD --workstream=?",
        "t list --assigned-to=?",
        "brief -- ?",
        "a register -- ?",
        "a heartbeat -- ?",
        "kb read -- ?",
        "kb write -- ? x",
        "kb write -- a/? x",
        "l acquire git -- ?",
        "l release git -- ?",
        "event log -- ? said",
        "--agent=? t add w x",
    ];
    let good = rows.good.clone();
    for (kind, surface) in crossed(&kinds, 3, &surfaces, 2) {
        rows.no(1, "can't name a", &line(&surface.replace("GOOD", &good), kind), &NOTHING);
    }
    // A lock is on anything that prints; what is told of it may be pasted.
    for name in ["", " a", "a\nb", &"é".repeat(101)] {
        rows.no(1, "can't name a resource", &["l", "acquire", name, "ada"], &NOTHING);
        rows.no(1, "can't name a resource", &["l", "show", name], &NOTHING);
    }
    for name in ["a b", "it's", "$(id)", "`id`", "a;b", "\"", "-x", "~", "a\\b"] {
        rows.yes(&["l", "acquire", "--", name, "ada"]);
        let force = ["l", "release", "--force", "--epoch", "9", "--reason", "r", "--", name, "bob"];
        rows.no(1, "epoch", &force, &NOTHING);
        rows.no(2, "--ttl: ", &["l", "acquire", "--ttl=0s", "--", name, "ada"], &NOTHING);
    }
    // A branch may be called by nearly anything too.
    for name in ["it's", "$(id)", "`id`", "a;b", "a|b", "a&b", "\"", "#a", "!a", "a\u{202e}b", "-b/x"] {
        let code = if name.starts_with('-') { 2 } else { 4 };
        rows.no(code, "`", &[&format!("--board={name}")[..], "status"], &NOTHING);
        rows.no(code, "`", &[&format!("--board={name}")[..], "t", "add", "w", "x"], &NOTHING);
    }
    for name in ["", " ", "..", "a b", "a..b", "@", "@{u}", "a.lock", "/a", "a/", "refs/heads/", "a\nb"] {
        rows.no(2, "", &[&format!("--board={name}")[..], "status"], &NOTHING);
    }
    assert_eq!(rows.end(), (3 * 20 + 10 * 2) + 8 + 27 + 22 + 12);
}

#[test]
fn variables_of_ours_are_named_when_they_are_wrong() {
    let mut rows = Rows::new();
    let long = "x".repeat(5000);
    let add = ["t", "add", "w", "x"];
    for value in [" ", "\t", "a b", "a\nb", "..", "-x", "/nowhere", "a\u{1b}[2Jb", &long] {
        for (code, name, words) in [
            (1, "ORCHESTRATOR_AGENT", &add[..]),
            (1, "ORCHESTRATOR_DIR", &["import"]),
            (2, "ORCHESTRATOR_COMPLETE", &["status"]),
            (3, "ORCHESTRATOR_LOCK", &add),
        ] {
            rows.no(code, name, words, &With { env: &[(name, value.as_ref())], ..NOTHING });
        }
        for words in [&add[..], &["status"], &["check"], &["init"]] {
            let with = With { env: &[("ORCHESTRATOR_BOARD", value.as_ref())], ..NOTHING };
            rows.no(2, "ORCHESTRATOR_BOARD: `", words, &with);
        }
    }
    for name in ["ORCHESTRATOR_BOARD", "ORCHESTRATOR_AGENT", "ORCHESTRATOR_LOCK", "ORCHESTRATOR_COMPLETE"] {
        let told = rows.call(&add, &With { env: &[(name, "".as_ref())], ..NOTHING });
        assert_eq!(told.code, Some(0), "{name}: {}", told.err);
    }
    // As if it were not set, rather than the directory that one is in.
    let empty = With { env: &[("ORCHESTRATOR_DIR", "".as_ref())], ..NOTHING };
    fs::write(rows.sandbox.root.join("state.json"), r#"{"workstreams":{},"agents":{},"locks":{}}"#).unwrap();
    rows.no(2, "which directory?", &["import"], &empty);
    let none = With { env: &[("ORCHESTRATOR_BOARD", "none".as_ref())], ..NOTHING };
    rows.no(4, "ORCHESTRATOR_BOARD: there is no board on `none`", &["status"], &none);
    assert_eq!(rows.end(), 9 * 4 + 9 * 4 + 4 + 2);
}

#[test]
fn refs_of_ours_that_lead_nowhere_are_named() {
    let mut rows = Rows::new();
    let free = rows.sandbox.add("Free");
    let id = |words: &[&str]| rows.sandbox.git(words).trim().to_owned();
    let (blob, tree) = (id(&["rev-parse", "HEAD:src.txt"]), id(&["rev-parse", "HEAD^{tree}"]));
    rows.sandbox.git(&["tag", "-a", "-m", "t", "tag"]);
    let tag = id(&["rev-parse", "tag"]);
    let claim = format!("refs/orchestrator/claims/{free}");
    let put = |rows: &Rows, name: &str, text: Option<&str>| {
        let path = rows.sandbox.root.join(".git").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text {
            Some(text) => fs::write(path, format!("{text}\n")).unwrap(),
            None => fs::remove_file(path).unwrap(),
        }
    };
    let missing = "1".repeat(40);
    let kinds = [&blob[..], &tree, &tag, &missing, "self", "ref: refs/heads/none", "no object", ""];
    for kind in kinds {
        let text = |name: &str| if kind == "self" { format!("ref: {name}") } else { kind.to_owned() };
        let lock = "refs/orchestrator/locks/x";
        put(&rows, lock, Some(&text(lock)));
        assert!(rows.yes(&["l", "show", "x"]).out.contains("unreadable"), "{kind}");
        assert!(rows.yes(&["l", "list"]).out.contains("unreadable"), "{kind}");
        let denied = rows.no(1, "", &["l", "acquire", "x", "ada"], &NOTHING);
        assert!(denied.out.contains("somebody unknown"), "{kind}: {}", denied.out);
        rows.no(5, "the record of lock `x` can't be read", &["log", "lock:x"], &NOTHING);
        let doctor = rows.no(1, "", &["doctor"], &NOTHING);
        assert!(doctor.out.contains(lock), "{kind}: {}", doctor.out);
        put(&rows, lock, None);

        put(&rows, &claim, Some(&text(&claim)));
        // Nothing is to be had, and why is said.
        let next = rows.no(5, &claim, &["t", "next", "w", "bob"], &NOTHING);
        assert!(next.out.contains("of those that can be read"), "{kind}: {}", next.out);
        for words in ["t claim ? --agent bob", "t complete ?", "t block ? --reason r"] {
            let told = rows.no(1, "it counts as held", &line(words, &free), &NOTHING);
            assert!(told.err.contains("hint: orchestrator doctor"), "{kind}: {}", told.err);
        }
        put(&rows, &claim, None);

        // As a file where a directory belongs.
        let locks = "refs/orchestrator/locks";
        fs::remove_dir(rows.sandbox.root.join(".git").join(locks)).unwrap();
        put(&rows, locks, Some(&text(locks)));
        rows.no(4, "while there is `refs/orchestrator/locks`", &["l", "acquire", "x", "ada"], &NOTHING);
        let doctor = rows.no(1, "", &["doctor"], &NOTHING);
        assert!(doctor.out.contains("ref: refs/orchestrator/locks"), "{kind}: {}", doctor.out);
        put(&rows, locks, None);
    }
    rows.sandbox.git(&["tag", "-d", "tag"]);
    assert_eq!(rows.end(), 8 * 11);
}
