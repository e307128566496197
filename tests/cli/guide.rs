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
    command.arg("-c").arg(format!("{line} 2>&1")).current_dir(&sandbox.root);
    hermetic(&mut command, sandbox.home());
    command
        .env("PATH", path)
        .env("ORCHESTRATOR_NOW", format!("{at}.000Z"))
        .env("ORCHESTRATOR_SEED", format!("{step}"))
        .env("GIT_AUTHOR_DATE", format!("{at}Z"))
        .env("GIT_COMMITTER_DATE", format!("{at}Z"))
        .env("COLUMNS", "100");
    let output = command.output().unwrap();
    let root = sandbox.root.display().to_string();
    let text = String::from_utf8(output.stdout).unwrap().replace(&root, "/repo");
    text.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

#[test]
fn every_page_is_true() {
    let pages = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/guide");
    let mut count = 0;
    for entry in walkdir::WalkDir::new(pages).sort_by_file_name() {
        let entry = entry.unwrap();
        if entry.path().extension().is_none_or(|ending| ending != "md") {
            continue;
        }
        let page = std::fs::read_to_string(entry.path()).unwrap();
        let sandbox = Sandbox::new();
        let (mut written, mut in_console, mut skipping, mut step) = (String::new(), false, false, 0);
        for line in page.lines() {
            let is_fence = line.starts_with("```");
            if is_fence {
                in_console = line == "```console";
                skipping = false;
            }
            if in_console && let Some(command) = line.strip_prefix("$ ") {
                step += 1;
                count += 1;
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
            snapbox::assert_data_eq!(written, snapbox::Data::text(page));
        }
    }
    assert!(count > 20, "{count} commands");
}
