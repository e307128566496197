//! A workstream.

use crate::model::Workstream;

use super::Merged;
use super::fields::Fields;

/// Merges two versions of a workstream. `base` is none where both sides have made it.
pub fn workstream(base: Option<&Workstream>, ours: &Workstream, theirs: &Workstream) -> Merged<Workstream> {
    let mut fields = Fields::default();
    macro_rules! value {
        ($field:ident) => {
            fields.value(stringify!($field), base.map(|one| &one.$field), &ours.$field, &theirs.$field)
        };
    }
    let (status, priority) = (value!(status), value!(priority));
    let (created_at, created_by) = fields.birth(
        ["created_at", "created_by"],
        base.map(|one| (one.created_at, &one.created_by)),
        (ours.created_at, &ours.created_by),
        (theirs.created_at, &theirs.created_by),
    );
    let described = base.map_or("", |one| one.description.as_str());
    let description = fields.text("description", described, &ours.description, &theirs.description);
    let imported = value!(imported);
    let name = ours.name.clone();
    let value = Workstream { name, description, priority, status, created_at, created_by, imported };
    Merged { value, conflicts: fields.conflicts }
}
