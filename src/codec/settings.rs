//! `config.yaml`
//!
//! It is read, never written: `init` plants it with every setting in a comment, and people edit it.
//! Unknown keys belong to a later version and are passed over.

use crate::model::{Durability, Settings, Span};

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
        span(&claims, "stale_after", &mut settings.claims_stale_after)?;
        settings.claims_expire = claims.optional_flag("expire")?.unwrap_or(settings.claims_expire);
    }
    if let Some(agents) = fields.optional_fields("agents")? {
        span(&agents, "stale_after", &mut settings.agents_stale_after)?;
    }
    if let Some(locks) = fields.optional_fields("locks")? {
        span(&locks, "ttl", &mut settings.locks_ttl)?;
        span(&locks, "slack", &mut settings.locks_slack)?;
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

fn span(fields: &Fields<'_>, key: &str, setting: &mut Span) -> Result<(), Problem> {
    if let Some(text) = fields.optional_text(key)? {
        *setting = Span::parse(&text).map_err(|bad| fields.problem(key, &bad.to_string()))?;
    }
    Ok(())
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
}
