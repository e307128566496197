//! `workstreams/<name>.yaml`

use crate::model::{Priority, Workstream, WorkstreamName, WorkstreamStatus};

use super::Problem;
use super::entry::{check_own_name, imported, read_imported, read_stamp, stamp, write};
use super::yaml::{Document, Value};

/// The workstream in these bytes, which are the file of `name`.
pub(crate) fn decode(bytes: &[u8], name: &WorkstreamName) -> Result<Workstream, Problem> {
    let document = Document::parse(bytes)?;
    let fields = document.fields();
    check_own_name(&fields, "name", name.as_str())?;
    let word = fields.optional_text("status")?.unwrap_or_else(|| "active".to_owned());
    Ok(Workstream {
        name: name.clone(),
        description: fields.optional_text("description")?.unwrap_or_default(),
        priority: fields.optional_int("priority")?.map_or_else(Priority::default, Priority),
        status: WorkstreamStatus::parse(&word).ok_or_else(|| {
            fields.problem("status", &format!("`{}` is unknown; one of active, closed", word.escape_debug()))
        })?,
        created_at: read_stamp(&fields, "created_at")?,
        created_by: fields.optional_text("created_by")?.unwrap_or_else(|| "system".to_owned()),
        imported: read_imported(&fields)?,
    })
}

/// The bytes of a workstream; of `old`, only the lines of what differs are rewritten.
pub(crate) fn encode(workstream: &Workstream, old: Option<&[u8]>) -> Result<Vec<u8>, Problem> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    write(
        old,
        &[
            ("name", text(workstream.name.as_str())),
            ("status", text(workstream.status.word())),
            ("priority", Some(Value::Int(workstream.priority.0))),
            ("created_at", Some(stamp(workstream.created_at))),
            ("created_by", text(&workstream.created_by)),
            ("description", text(&workstream.description)),
            ("imported", imported(&workstream.imported)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ours_comes_back_byte_for_byte() {
        let file = "name: revenue\nstatus: active\npriority: 1\ncreated_at: 2026-02-06T07:36:50.538Z\n\
                    created_by: system\ndescription: Revenue generation\n";
        let name = WorkstreamName::parse("revenue").unwrap();
        let workstream = decode(file.as_bytes(), &name).unwrap();
        assert_eq!(String::from_utf8(encode(&workstream, None).unwrap()).unwrap(), file);
        let problem = decode(file.replace("active", "open").as_bytes(), &name).unwrap_err();
        assert_eq!((problem.line, problem.column), (2, 9));
    }
}
