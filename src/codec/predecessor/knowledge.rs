//! `knowledge/<topic>.md`: one line that says who wrote it when, then the markdown.

use crate::model::{Knowledge, Timestamp, is_printable};

use super::Problem;
use super::entity::{LONGEST, Report, Source};
use super::names::Names;

const BEFORE: &str = "<!-- Updated by ";
const BETWEEN: &str = " at ";
const AFTER: &str = " -->";

/// The document in a file. `name` is its path below `knowledge/`.
pub(super) fn read(
    name: &str,
    bytes: &[u8],
    names: &mut Names<'_>,
    report: &mut Report,
) -> Option<Knowledge> {
    let file = format!("knowledge/{}", name.escape_debug());
    let Some(topic) = name.strip_suffix(".md") else {
        report.remarks.push(format!("{file}: not kept, documents end in `.md`"));
        return None;
    };
    let whole = |why: String, better: Option<(String, String)>| Problem {
        file: file.clone(),
        place: None,
        path: String::new(),
        why,
        better,
    };
    let topic = match names.topic(topic) {
        Ok(topic) => Some(topic),
        Err(refused) => {
            let better = refused.better.map(|better| (topic.to_owned(), better));
            report.refuse(whole(refused.why, better))
        }
    };
    if bytes.len() > LONGEST {
        let why = format!("has {} bytes, at most {LONGEST} are allowed", bytes.len());
        return report.refuse(whole(why, None));
    }
    let source = match Source::new(&file, bytes) {
        Ok(source) => source,
        Err(problem) => return report.refuse(*problem),
    };
    if let Some(at) = source.text.find('\0') {
        return report.refuse(source.problem(at, "", "holds a NUL character"));
    }
    // Not the source's text: a byte order mark is content here.
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let (updated_by, updated_at, content) = match header(text) {
        Some((by, at, content)) => (Some(names.somebody(by.to_owned())), Some(at), content),
        None => (None, None, text),
    };
    let read = Knowledge { topic: topic?, content: content.to_owned(), updated_by, updated_at };
    match crate::codec::knowledge::encode(&read, None) {
        Ok(_) => Some(read),
        Err(problem) => report.refuse(whole(problem.why, None)),
    }
}

/// Who, when, and the rest; only where [`header_line`] of them gives the very same bytes again.
fn header(text: &str) -> Option<(&str, Timestamp, &str)> {
    let (line, content) = text.split_once('\n')?;
    let (by, at) = line.strip_prefix(BEFORE)?.strip_suffix(AFTER)?.rsplit_once(BETWEEN)?;
    let stamp = Timestamp::parse(at).ok().filter(|stamp| stamp.to_string() == at)?;
    (!by.trim().is_empty() && by.chars().all(is_printable)).then_some((by, stamp, content))
}

/// The bytes of `knowledge/<topic>.md`: the header line where author and time are known, then the markdown.
/// An author that would break the header leaves it out.
pub(crate) fn document(knowledge: &Knowledge) -> String {
    let author =
        knowledge.updated_by.as_deref().filter(|by| by.chars().all(is_printable) && !by.contains("-->"));
    match (author, knowledge.updated_at) {
        (Some(by), Some(at)) => header_line(by, at) + &knowledge.content,
        _ => knowledge.content.clone(),
    }
}

/// The line that stands above a document, with its line break.
fn header_line(updated_by: &str, updated_at: Timestamp) -> String {
    format!("{BEFORE}{updated_by}{BETWEEN}{updated_at}{AFTER}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_taken_off_only_if_it_can_be_put_back() {
        const AT: &str = "2026-02-06T07:41:48.711Z";
        for (by, content) in [
            ("system", "# Payments\n"),
            ("system", ""),
            ("Ada at work", "<!-- Updated by x at 2026-02-06T07:41:48.711Z -->\n"),
            ("a --> b", "\r\n"),
            ("日本 ", "x"),
        ] {
            let text = format!("<!-- Updated by {by} at {AT} -->\n{content}");
            let (read_by, at, rest) = header(&text).unwrap();
            assert_eq!((read_by, rest), (by, content));
            assert_eq!(format!("{}{rest}", header_line(read_by, at)), text);
        }
        for text in [
            "# Payments\n".to_owned(),
            String::new(),
            format!("<!-- Updated by system at {AT} -->"),
            format!("<!-- Updated by system at {AT} -->\r\nx"),
            format!("<!-- Updated by system at {AT}  -->\nx"),
            format!("<!-- Updated by  at {AT} -->\nx"),
            format!("<!-- Updated by \u{1b}[2J at {AT} -->\nx"),
            format!("<!-- Updated by {AT} -->\nx"),
            "<!-- Updated by system at 2026-02-06T07:41:48Z -->\nx".to_owned(),
            "<!-- Updated by system at 2026-02-06 -->\nx".to_owned(),
            format!("\u{feff}<!-- Updated by system at {AT} -->\nx"),
        ] {
            assert_eq!(header(&text), None, "{text:?}");
        }
    }

    #[test]
    fn an_author_that_would_break_the_header_leaves_it_out() {
        let by = |author: Option<&str>| {
            document(&Knowledge {
                topic: crate::model::Topic::parse("api").unwrap(),
                content: "Use REST".to_owned(),
                updated_by: author.map(str::to_owned),
                updated_at: Some(Timestamp::parse("2026-02-06T07:41:48.711Z").unwrap()),
            })
        };
        assert_eq!(by(Some("agent-1")), "<!-- Updated by agent-1 at 2026-02-06T07:41:48.711Z -->\nUse REST");
        for none in [Some("a\nb"), Some("a --> b"), None] {
            assert_eq!(by(none), "Use REST");
        }
    }
}
