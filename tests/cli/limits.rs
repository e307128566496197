//! Streams without end, and exits from the table whatever a process is given.

use std::fs::File;
use std::process::Stdio;

use crate::support::{Answer, Sandbox};

/// The exit codes that there are.
const TABLE: [i32; 8] = [0, 1, 2, 3, 4, 5, 70, 74];

fn fed(sandbox: &Sandbox, words: &[&str], input: Stdio) -> Answer {
    let mut command = sandbox.command(&sandbox.root, words);
    Answer::of(command.stdin(input).output().unwrap())
}

/// A shell that gives the program less than it is used to; `$0` is the program.
#[cfg(unix)]
fn shell(sandbox: &Sandbox, line: &str) -> std::process::Output {
    let mut command = std::process::Command::new("sh");
    command.args(["-c", line, env!("CARGO_BIN_EXE_orchestrator")]).current_dir(&sandbox.root);
    crate::support::hermetic(&mut command, sandbox.home());
    command.output().unwrap()
}

#[cfg(unix)]
#[test]
fn what_has_no_end_is_refused_at_its_limit() {
    let sandbox = Sandbox::board();
    let before = sandbox.git(&["for-each-ref"]);
    let told = sandbox.run(&["kb", "write", "x", "--file", "/dev/zero"]).code(1);
    assert!(told.err.contains("`/dev/zero`: is longer than 1 MiB"), "{told:?}");
    let zero = || Stdio::from(File::open("/dev/zero").unwrap());
    let told = fed(&sandbox, &["kb", "write", "x", "-"], zero()).code(1);
    assert!(told.err.contains("standard input: is longer than 1 MiB"), "{told:?}");
    let told = fed(&sandbox, &["batch"], zero()).code(2);
    assert!(told.err.contains("line 1: standard input is longer than 8 MiB; nothing was done"), "{told:?}");
    for (what, code, says) in [
        (r#"yes '["t","add","w","x"]' | "$0" batch"#, 2, "line 10001: a batch has at most 10000 requests"),
        (r#"yes '' | "$0" batch"#, 2, "standard input is longer than 64 MiB"),
        (r#"yes 'no json' | "$0" batch"#, 2, "line 1: no JSON array of words"),
        (r#"yes | "$0" kb write x -"#, 1, "standard input: is longer than 1 MiB"),
    ] {
        let output = shell(&sandbox, what);
        let err = String::from_utf8(output.stderr).unwrap();
        assert!(
            output.status.code() == Some(code) && err.contains(says),
            "{what}: {:?} {err}",
            output.status
        );
    }
    // As much as a document may have, and a byte more.
    sandbox.write("fits", &"x".repeat(1 << 20));
    sandbox.run(&["kb", "write", "x", "--file", "fits"]).ok();
    sandbox.git(&["reset", "-q", "--hard", "HEAD~1"]);
    sandbox.write("more", &"x".repeat((1 << 20) + 1));
    sandbox.run(&["kb", "write", "x", "--file", "more"]).code(1);
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
}

/// Whatever a process is given, it says so by a code of the table, and dies of no signal.
#[cfg(unix)]
#[test]
fn every_exit_is_one_of_the_table() {
    let sandbox = Sandbox::board();
    sandbox.write("plain", "x");
    let long = "x".repeat(100_000);
    let many: String = (0..10_000).map(|n| format!(" w{n}")).collect();
    let deep = format!("{}{}", "[".repeat(60_000), "]".repeat(60_000));
    for line in [
        r#""$0" status <&-"#.to_owned(),
        r#""$0" batch <&-"#.to_owned(),
        r#""$0" kb write x - <&-"#.to_owned(),
        r#""$0" status 2>&-"#.to_owned(),
        r#""$0" t nonsense 2>&-"#.to_owned(),
        r#""$0" nonsense 2>/dev/full"#.to_owned(),
        r#""$0" kb write x - < ."#.to_owned(),
        r#""$0" batch < ."#.to_owned(),
        r#""$0" kb write x --file ."#.to_owned(),
        r#""$0" kb write x --file plain/x"#.to_owned(),
        r#""$0" -C plain status"#.to_owned(),
        r#""$0" -C /dev/null status"#.to_owned(),
        r#""$0" import plain"#.to_owned(),
        r#""$0" import --state ."#.to_owned(),
        r#""$0" import --state /dev/zero"#.to_owned(),
        r#""$0" merge-driver . . . .orchestrator/x"#.to_owned(),
        r#""$0" merge-driver plain /dev/null /dev/zero .orchestrator/x"#.to_owned(),
        r#"mkfifo f; (echo text > f &) ; "$0" kb write x --file f"#.to_owned(),
        r#"ulimit -n 8; "$0" t add w x"#.to_owned(),
        r#"ulimit -n 5; "$0" t add w x"#.to_owned(),
        // One more than the three streams: with none the system's own loader can't start the program.
        r#"ulimit -n 4; "$0" status"#.to_owned(),
        r#"ulimit -v 400000; "$0" kb write x --file /dev/zero"#.to_owned(),
        r#"ulimit -v 400000; yes '["t","add","w","x"]' | "$0" batch"#.to_owned(),
        format!(r#""$0" t add w {long}"#),
        format!(r#""$0" {long}"#),
        format!(r#""$0" --at {long} status"#),
        format!(r#""$0" l acquire {long} ada"#),
        format!(r#""$0" undo {long}"#),
        format!(r#""$0" kb write x{many}"#),
        format!(r#""$0" t claim{many}"#),
        format!(r#""$0" event log ada said --data '{{"a":{deep}}}'"#),
        format!(r#"echo '[{deep}]' | "$0" batch"#),
        r#""$0" event log ada said --data '{"n":1e999999999999999999999}'"#.to_owned(),
        r#""$0" t complete 00000000 --epoch 99999999999999999999"#.to_owned(),
        r#""$0" events --last 18446744073709551615"#.to_owned(),
        r#""$0" brief w --budget 18446744073709551615"#.to_owned(),
        r#""$0" --timeout 604800 status"#.to_owned(),
    ] {
        let output = shell(&sandbox, &line);
        let shown: String = line.chars().take(120).collect();
        let code = output.status.code();
        assert!(code.is_some_and(|code| TABLE.contains(&code)), "{shown}: {output:?}");
        assert!(output.stderr.len() < 500_000, "{shown}: {} bytes", output.stderr.len());
    }
    sandbox.is_clean();
}

/// What a message lists it cuts, and counts the rest.
#[test]
fn a_message_stays_short_however_many_things_it_is_about() {
    let sandbox = Sandbox::board();
    let lines: String = (0..60).map(|n| format!("[\"t\",\"add\",\"w\",\"Task {n}\"]\n")).collect();
    let on: String = (1..=60).map(|n| format!(",\"--depends-on\",\"@{n}\"")).collect();
    sandbox.write("lines", &format!("{lines}[\"t\",\"add\",\"w\",\"Last\"{on}]\n"));
    let input = Stdio::from(File::open(sandbox.root.join("lines")).unwrap());
    let told = fed(&sandbox, &["batch"], input).ok();
    let last: serde_json::Value = serde_json::from_str(told.out.lines().last().unwrap()).unwrap();
    let id = last["id"].as_str().unwrap();
    let refused = sandbox.run(&["t", "claim", id, "--agent", "ada"]).code(1);
    assert!(refused.err.contains(", and 50 more"), "{refused:?}");
    let brief = sandbox.run(&["brief", "w", "--task", id]).ok();
    assert!(brief.err.contains("left out: dependencies: 20 more"), "{brief:?}");
}
