//! The house: which floor may see which. Every `crate::…` path in every file of `src` is read, and an edge
//! that the picture does not allow fails here.

#![allow(clippy::unwrap_used)] // A test fails by a panic.

use std::path::Path;

/// A room and the rooms it may name.
const EDGES: [(&str, &[&str]); 10] = [
    ("model", &[]),
    ("codec", &["model"]),
    ("git", &[]),
    ("ops", &["model"]),
    ("views", &["model"]),
    ("merge", &["model"]),
    ("store", &["model", "codec", "git"]),
    ("engine", &["model", "codec", "git", "ops", "views", "merge", "store"]),
    ("proof", &[]),
    ("cli", &["model", "ops", "views", "engine", "proof"]),
];

fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    walkdir::WalkDir::new(&root)
        .into_iter()
        .map(Result::unwrap)
        .filter(|entry| entry.path().extension().is_some_and(|ending| ending == "rs"))
        .map(|entry| {
            let name = entry.path().strip_prefix(&root).unwrap().display().to_string();
            (name, std::fs::read_to_string(entry.path()).unwrap())
        })
        .collect()
}

/// The code of a file without its comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn no_room_sees_what_it_may_not() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (file, text) in sources() {
        let Some((room, _)) = file.split_once('/') else { continue };
        let Some((_, allowed)) = EDGES.iter().find(|(name, _)| *name == room) else { continue };
        for (number, line) in code(&text) {
            for (at, _) in line.match_indices("crate::") {
                let rest = &line[at + "crate::".len()..];
                let target = rest.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap();
                seen += 1;
                let is_room = EDGES.iter().any(|(name, _)| *name == target);
                if is_room && target != room && !allowed.contains(&target) {
                    wrong.push(format!("src/{file}:{}: {room} may not see {target}", number + 1));
                }
            }
        }
    }
    assert!(seen > 100, "only {seen} paths were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn gix_is_used_in_one_room_and_the_clock_is_read_in_one_file() {
    let mut wrong = Vec::new();
    for (file, text) in sources() {
        for (number, line) in code(&text) {
            let place = format!("src/{file}:{}: {}", number + 1, line.trim());
            if line.contains("gix::") && !file.starts_with("git/") {
                wrong.push(place.clone());
            }
            if (line.contains("Utc::now") || line.contains("SystemTime::now")) && file != "engine/env.rs" {
                wrong.push(place);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_long_file_has_a_reason_at_its_head() {
    let wrong: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 500)
        .filter(|(_, text)| {
            !text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("long"))
        })
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}
