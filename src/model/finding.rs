//! What is wrong with a repository for our purpose.

/// One thing that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// One word for programs: `journal`, `lock_file`, `refspec`, …
    pub code: &'static str,
    /// Where: a file, a ref, a setting.
    pub place: String,
    /// One sentence, lower case, no full stop.
    pub what: String,
    /// What to do: a command that can be pasted, or words. Never one that destroys anything.
    pub fix: String,
    /// It has been put right meanwhile.
    pub is_fixed: bool,
}

impl Finding {
    /// The code of what is told and is not wrong: hooks of git that do not run here.
    pub const HOOKS: &str = "hooks";
    /// The code of what is told and is not wrong: objects that git shows in the place of others.
    pub const REPLACED: &str = "replaced";
    /// The code of a part of the board that can't be read.
    pub const DAMAGE: &str = "damage";

    /// Whether nothing has to be done about it.
    pub fn is_remark(&self) -> bool {
        matches!(self.code, Self::HOOKS | Self::REPLACED)
    }
}
