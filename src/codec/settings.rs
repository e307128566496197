//! `config.yaml`
//!
//! It is read, never written: `init` plants it with every setting in a comment, and people edit it.
//! Unknown keys may belong to a later version and are passed over; [`unknown_keys`] names them for who checks a board,
//! since they may as well be misspelt.

use crate::model::{Bounds, Durability, Settings, Span, typos};

use super::Problem;
use super::yaml::{Document, Fields};

/// The settings in these bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<Settings, Problem> {
    let document = Document::parse(bytes)?;
    let fields = document.fields();
    let mut settings = Settings::default();
    let format = fields.int("format")?;
    settings.format = u64::try_from(format)
        .ok()
        .filter(|format| *format > 0)
        .ok_or_else(|| fields.problem("format", "is not a positive number"))?;
    settings.board = fields.optional_text("board")?;
    if let Some(claims) = fields.optional_fields("claims")? {
        span(&claims, "stale_after", Bounds::STALE_AFTER, &mut settings.claims_stale_after)?;
        settings.claims_expire = claims.optional_flag("expire")?.unwrap_or(settings.claims_expire);
    }
    if let Some(agents) = fields.optional_fields("agents")? {
        span(&agents, "stale_after", Bounds::STALE_AFTER, &mut settings.agents_stale_after)?;
    }
    if let Some(locks) = fields.optional_fields("locks")? {
        span(&locks, "ttl", Bounds::LOCK, &mut settings.locks_ttl)?;
        span(&locks, "slack", Bounds::LOCK_SLACK, &mut settings.locks_slack)?;
    }
    if let Some(email) = fields.optional_text("email")? {
        settings.agent_email = email;
    }
    if let Some(word) = fields.optional_text("durability")? {
        settings.durability = match word.as_str() {
            "kernel" => Durability::Kernel,
            "fsync" => Durability::Fsync,
            _ => return Err(fields.problem("durability", "is unknown; one of kernel, fsync")),
        };
    }
    Ok(settings)
}

/// That the branch which the settings name can't be one, which only git knows.
pub(crate) fn no_branch(bytes: &[u8], name: &str) -> Problem {
    match Document::parse(bytes) {
        Ok(document) => document.fields().problem("board", &format!("`{name}` can't be a branch")),
        Err(problem) => problem,
    }
}

fn span(fields: &Fields<'_>, key: &str, bounds: Bounds, setting: &mut Span) -> Result<(), Problem> {
    if let Some(text) = fields.optional_text(key)? {
        let read = Span::parse(&text).map_err(|bad| fields.problem(key, &bad.to_string()))?;
        bounds.check(read).map_err(|why| fields.problem(key, &why))?;
        *setting = read;
    }
    Ok(())
}

/// Every setting that there is, by its path.
const KNOWN: [(&str, &[&str]); 7] = [
    ("format", &[]),
    ("board", &[]),
    ("claims", &["stale_after", "expire"]),
    ("agents", &["stale_after"]),
    ("locks", &["ttl", "slack"]),
    ("email", &[]),
    ("durability", &[]),
];

/// The keys that this version does not know, each with a word on what may be meant.
pub(crate) fn unknown_keys(bytes: &[u8]) -> Vec<Problem> {
    let Ok(document) = Document::parse(bytes) else { return Vec::new() };
    let fields = document.fields();
    let mut found = Vec::new();
    let lines: Vec<&str> = std::str::from_utf8(bytes).unwrap_or_default().lines().collect();
    let all = || {
        let inner = |(group, inner): &(&str, &'static [&'static str])| {
            let group = (*group).to_owned();
            inner.iter().map(move |name| (*name, format!("{group}.{name}")))
        };
        KNOWN.iter().map(|(name, _)| (*name, (*name).to_owned())).chain(KNOWN.iter().flat_map(inner))
    };
    let mut look = |fields: &Fields<'_>, known: &[&str]| {
        for key in fields.keys().filter(|key| !known.contains(key)) {
            let is_near = |(typos, name): &(usize, &str)| *typos <= 2 && *typos < name.len();
            let near = known.iter().map(|name| (typos(name, key), *name)).filter(is_near).min();
            // In the wrong mapping it is not looked for so widely.
            let elsewhere = || all().find(|(name, _)| typos(name, key) == 0).map(|(_, path)| path);
            let why = match near.map(|(_, name)| name.to_owned()).or_else(elsewhere) {
                Some(name) => format!("no setting is called so; `{name}` may be meant"),
                None => "no setting is called so here; a later version may know it".to_owned(),
            };
            found.push(at_key(&lines, fields.problem(key, &why), key));
        }
    };
    look(&fields, &KNOWN.map(|(name, _)| name));
    for (name, inner) in KNOWN.iter().filter(|(_, inner)| !inner.is_empty()) {
        if let Ok(Some(fields)) = fields.optional_fields(name) {
            look(&fields, inner);
        }
    }
    found
}

/// The problem at the line of its key, where the value begins on a later one.
fn at_key(lines: &[&str], problem: Problem, key: &str) -> Problem {
    let is_key = |line: &str| {
        let line = line.trim_start();
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    };
    let above = lines.iter().enumerate().take(problem.line).rev();
    match above.map(|(at, line)| (at + 1, *line)).find(|(_, line)| is_key(line)) {
        Some((line, text)) if line < problem.line => {
            Problem { line, column: text.len() - text.trim_start().len() + 1, ..problem }
        }
        Some(_) | None => problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_init_plants_is_the_default() {
        let planted = include_str!("../../templates/init/config.yaml");
        assert_eq!(decode(planted.as_bytes()).unwrap(), Settings::default());
        // With every comment of a setting taken away it still is.
        let lines = planted.lines().map(|line| {
            line.strip_prefix('#').filter(|l| !l.starts_with(' ') || l.starts_with("  ")).unwrap_or(line)
        });
        let uncommented: String = lines.map(|line| format!("{line}\n")).collect();
        assert!(uncommented.contains("\nclaims:\n  stale_after"), "{uncommented}");
        assert_eq!(decode(uncommented.as_bytes()).unwrap(), Settings::default());
    }

    #[test]
    fn settings_are_read_and_errors_named() {
        let text = "format: 1\nclaims:\n  stale_after: 2h\n  expire: true\ndurability: fsync\nlater: 1\n";
        let settings = decode(text.as_bytes()).unwrap();
        assert_eq!(settings.claims_stale_after, Span::from_secs(7200));
        assert!(settings.claims_expire);
        let problem = decode(b"format: 1\nlocks:\n  ttl: soon\n").unwrap_err();
        assert_eq!((problem.line, problem.column), (3, 8));
        assert!(decode(b"claims: {}\n").is_err());
    }

    #[test]
    fn what_is_out_of_bounds_is_named_by_its_place() {
        for (text, says) in [
            ("locks:\n  ttl: 90d\n", "3:8: locks.ttl: `90d` is out of bounds; from 1s to 1d"),
            ("locks:\n  ttl: 999ms\n", "3:8: locks.ttl: `999ms` is out of bounds; from 1s to 1d"),
            ("locks:\n  slack: 9999d\n", "3:10: locks.slack: `9999d` is out of bounds; from 0s to 1h"),
            (
                "claims:\n  stale_after: 0s\n",
                "3:16: claims.stale_after: `0s` is out of bounds; from 1s to 365d",
            ),
            (
                "agents:\n  stale_after: 400d\n",
                "3:16: agents.stale_after: `400d` is out of bounds; from 1s to 365d",
            ),
        ] {
            assert_eq!(decode(format!("format: 1\n{text}").as_bytes()).unwrap_err().to_string(), says);
        }
        for word in ["yes", "NO", "on", "1", "'true'", "True"] {
            let text = format!("format: 1\nclaims:\n  expire: {word}\n");
            let read = decode(text.as_bytes());
            assert!(read.is_err() || word == "True", "{word}: {read:?}");
        }
        for format in ["0", "-1", "1.0", "'1'", "99999999999999999999", "one"] {
            assert!(decode(format!("format: {format}\n").as_bytes()).is_err(), "{format}");
        }
    }

    #[test]
    fn keys_that_nobody_knows_are_named_with_the_nearest_known_one() {
        let text =
            "format: 1\nlock: {ttl: 5s}\nlocks:\n  tll: 5s\n  ttl: 5s\nclaims: {expires: true}\nshade: 1\n";
        let told: Vec<String> = unknown_keys(text.as_bytes()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "2:7: lock: no setting is called so; `locks` may be meant",
                "7:8: shade: no setting is called so here; a later version may know it",
                "6:19: claims.expires: no setting is called so; `expire` may be meant",
                "4:8: locks.tll: no setting is called so; `ttl` may be meant",
            ]
        );
        let text =
            "format: 1\nLOCKS:\n  TTL: 5s\nttl: 5s\nclaims:\n  Expire: true\n  board:\n    - x\nagents:\n";
        let told: Vec<String> = unknown_keys(text.as_bytes()).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "2:1: LOCKS: no setting is called so; `locks` may be meant",
                "4:6: ttl: no setting is called so; `locks.ttl` may be meant",
                "6:11: claims.Expire: no setting is called so; `expire` may be meant",
                "7:3: claims.board: no setting is called so; `board` may be meant",
            ]
        );
        assert!(unknown_keys(include_bytes!("../../templates/init/config.yaml")).is_empty());
    }
}
