//! `agents/<id>.yaml`

use crate::model::{Agent, AgentId};

use super::Problem;
use super::entry::{check_own_name, imported, list, read_imported, read_stamp, stamp, write};
use super::yaml::{Document, Value};

/// The agent in these bytes, which are the file of `id`.
pub(crate) fn decode(bytes: &[u8], id: &AgentId) -> Result<Agent, Problem> {
    let document = Document::parse(bytes)?;
    let fields = document.fields();
    check_own_name(&fields, "id", id.as_str())?;
    Ok(Agent {
        id: id.clone(),
        kind: fields.optional_text("type")?.unwrap_or_else(|| "general".to_owned()),
        status: fields.optional_text("status")?.unwrap_or_else(|| "active".to_owned()),
        capabilities: fields.list_of_text("capabilities")?,
        registered_at: read_stamp(&fields, "registered_at")?,
        imported: read_imported(&fields)?,
    })
}

/// The bytes of an agent; of `old`, only the lines of what differs are rewritten.
pub(crate) fn encode(agent: &Agent, old: Option<&[u8]>) -> Result<Vec<u8>, Problem> {
    let text = |text: &str| Some(Value::Text(text.to_owned()));
    write(
        old,
        &[
            ("id", text(agent.id.as_str())),
            ("type", text(&agent.kind)),
            ("status", text(&agent.status)),
            ("capabilities", Some(list(&agent.capabilities))),
            ("registered_at", Some(stamp(agent.registered_at))),
            ("imported", imported(&agent.imported)),
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ours_comes_back_byte_for_byte() {
        let file = "id: agent-1\ntype: worker\nstatus: active\ncapabilities:\n  - rust\n  - review\n\
                    registered_at: 2026-02-06T07:37:03.628Z\n";
        let id = AgentId::parse("agent-1").unwrap();
        let agent = decode(file.as_bytes(), &id).unwrap();
        assert_eq!(agent.capabilities, ["rust", "review"]);
        assert_eq!(String::from_utf8(encode(&agent, None).unwrap()).unwrap(), file);
    }
}
