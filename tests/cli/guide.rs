//! The manual, run: every `$ command` of `tests/guide/*.md` gives exactly what stands below it.
//!
//! With `GUIDE=write` the outputs are written into the pages instead. Each command gets its own second and
//! its own seed, so that every id in a page is stable.

use std::path::Path;
use std::process::Command;

use super::support::{Sandbox, hermetic};

fn run(sandbox: &Sandbox, line: &str, step: usize) -> String {
    let bin = Path::new(env!("CARGO_BIN_EXE_orchestrator")).parent().unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let at = format!("2026-02-06T07:{:02}:{:02}", step / 60, step % 60);
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{{ {line}\n}} 2>&1")).current_dir(&sandbox.root);
    hermetic(&mut command, sandbox.home());
    command
        .env("PATH", path)
        .env("ORCHESTRATOR_NOW", format!("{at}.000Z"))
        .env("ORCHESTRATOR_SEED", format!("{step}"))
        .env("GIT_AUTHOR_DATE", format!("{at}Z"))
        .env("GIT_COMMITTER_DATE", format!("{at}Z"))
        .env("COLUMNS", "100");
    let output = command.output().unwrap();
    let home = sandbox.home().canonicalize().unwrap().display().to_string();
    let text = String::from_utf8(output.stdout).unwrap().replace(&home, "");
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn every_page_is_true() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guide");
    let mut shown: Vec<String> = Vec::new();
    for entry in walkdir::WalkDir::new(pages).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let page = std::fs::read_to_string(entry.path()).unwrap();
        let sandbox = Sandbox::new();
        let (mut written, mut in_console, mut skipping, mut step) = (String::new(), false, false, 0);
        for line in page.lines() {
            // Four: a page shows documents with fences of their own.
            if line.starts_with("````") {
                in_console = line == "````console";
                skipping = false;
            }
            if in_console && let Some(command) = line.strip_prefix("$ ") {
                step += 1;
                shown.push(command.to_owned());
                written.push_str(&format!("{line}\n{}", run(&sandbox, command, step)));
                skipping = true;
            } else if !(skipping && in_console) {
                written.push_str(line);
                written.push('\n');
            }
        }
        if std::env::var_os("GUIDE").is_some_and(|mode| mode == "write") {
            std::fs::write(entry.path(), written).unwrap();
        } else {
            // Byte for byte: a backslash is one.
            snapbox::assert_data_eq!(snapbox::IntoData::raw(written), snapbox::IntoData::raw(page));
        }
    }
    let missing: Vec<String> = commands().into_iter().filter(|name| !is_shown(name, &shown)).collect();
    assert!(missing.is_empty(), "no page shows {missing:?}");
}

/// Every command, from its manual page: `task add`, `status`.
fn commands() -> Vec<String> {
    let sandbox = Sandbox::new();
    sandbox.run(&["man", "pages"]).ok();
    let names: Vec<String> = std::fs::read_dir(sandbox.root.join("pages"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().trim_end_matches(".1").to_owned())
        .filter(|name| !name.contains("-help") && name != "orchestrator")
        .collect();
    let is_group = |name: &String| names.iter().any(|other| other.starts_with(&format!("{name}-")));
    let leaves = names.iter().filter(|name| !is_group(name));
    let words = leaves.map(|name| name["orchestrator-".len()..].replace('-', " "));
    let words: Vec<String> = words.collect();
    assert!(words.len() > 35, "{words:?}");
    words
}

fn is_shown(name: &str, shown: &[String]) -> bool {
    let short =
        [("workstream ", "ws "), ("task ", "t "), ("agent ", "a "), ("lock ", "l "), ("knowledge ", "kb ")];
    let alias = short.iter().find_map(|(long, short)| Some(short.to_string() + name.strip_prefix(long)?));
    let names = [Some(name.to_owned()), alias];
    shown.iter().filter(|line| line.contains("orchestrator")).any(|line| {
        let line = format!("{line} ");
        names.iter().flatten().any(|name| line.contains(&format!(" {name} ")))
    })
}
