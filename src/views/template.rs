//! Rendering of a template that a board may bring along: bounded in time and memory, nothing escaped,
//! nothing undefined.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};
use serde::Serialize;

/// A template that can't be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {name}:{line}: {why}")]
pub struct TemplateError {
    /// The template's name, such as `brief.md`.
    pub name: String,
    /// From 1; 0 where it is not known.
    pub line: usize,
    /// One sentence.
    pub why: String,
}

/// What any template may cost: about so many steps, or 64 times as many bytes.
const FUEL: u64 = 500_000;

/// The text that `source` makes of `context`. `size` is about the number of bytes in the context: to copy
/// it a few times is fair, whatever it is.
pub(crate) fn render<C: Serialize>(
    name: &str,
    source: &str,
    context: &C,
    size: usize,
) -> Result<String, TemplateError> {
    let told = |error: minijinja::Error| TemplateError {
        name: name.to_owned(),
        line: error.line().unwrap_or(0),
        why: match error.detail() {
            Some(detail) => format!("{}: {detail}", error.kind()),
            None => error.kind().to_string(),
        },
    };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    let fair = u64::try_from(size / 8).unwrap_or(u64::MAX);
    environment.set_fuel(Some(FUEL.saturating_add(fair)));
    let syntax =
        SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).keep_trailing_newline(true).build();
    environment.set_syntax(syntax.map_err(told)?);
    let template = environment.template_from_named_str(name, source).map_err(told)?;
    template.render(Value::from(Serde(context))).map_err(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Words {
        word: &'static str,
    }

    fn try_render(source: &str) -> Result<String, TemplateError> {
        render("brief.md", source, &Words { word: "<b>&</b>" }, 8)
    }

    #[test]
    fn nothing_is_escaped_and_tags_take_no_lines() {
        let source = "a\n{% if word %}\n  {{ word }}\n{% endif %}\nb\n";
        for name in ["brief.md", "brief.html"] {
            assert_eq!(render(name, source, &Words { word: "<b>&</b>" }, 8).unwrap(), "a\n  <b>&</b>\nb\n");
        }
    }

    #[test]
    fn a_broken_template_says_where() {
        for (source, line) in
            [("a\n{{ nothing }}\n", 2), ("a\n\n{% if %}\n", 3), ("{{ word | nofilter }}", 1)]
        {
            let error = try_render(source).unwrap_err();
            assert_eq!((error.name.as_str(), error.line), ("brief.md", line), "{error}");
        }
    }

    #[test]
    fn a_template_can_not_run_for_ever_or_eat_the_memory() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        let doubling = format!("{{% set a = 'xxxxxxxx' %}}{}{{{{ a }}}}", "{% set a = a ~ a %}".repeat(40));
        for source in [endless, doubling.as_str()] {
            assert!(try_render(source).unwrap_err().why.contains("fuel"), "{source}");
        }
    }
}
