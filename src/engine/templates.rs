//! Text that is built into the program: what `init` plants, and the templates that a board may override.

/// What `init` plants: the path below the board, and the text.
pub(crate) const PLANTED: [(&str, &str); 3] = [
    ("config.yaml", include_str!("../../templates/init/config.yaml")),
    (".gitattributes", include_str!("../../templates/init/gitattributes")),
    ("README.md", include_str!("../../templates/init/README.md")),
];

/// The embedded text of a template that a board may override.
pub(crate) fn embedded(name: &str) -> Option<&'static str> {
    match name {
        "brief.md" => Some(include_str!("../../templates/brief.md")),
        _ => None,
    }
}
