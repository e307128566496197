//! `init`, `status`, `doctor`

use crate::cli::args::{Ci, Init};
use crate::cli::parse;
use crate::cli::report::Report;
use crate::engine::{self, CiHost, Env, Mend, Renaming, Slugify};
use crate::model::{Code, Finding, Refusal};
use crate::text;
use crate::views::style::{Text, bold};

use super::{App, exchange};

const NEXT: &str = "\nNext:\n  orchestrator ws create <name> [description] [priority]\n  orchestrator t add <ws> <title> [description] [priority]\n  orchestrator a register <agent> [type]\n  orchestrator t next <ws> <agent>\n\nAn agent that knows nothing else starts with: orchestrator status; orchestrator brief <ws>";

pub fn init(app: &App, args: &Init) -> Result<Report, Refusal> {
    let report = board(app, args)?;
    let Some(host) = args.ci else { return Ok(report) };
    let host = match host {
        Ci::Github => CiHost::Github,
        Ci::Gitlab => CiHost::Gitlab,
    };
    let planted = engine::plant_ci(&app.options(), host)?;
    let mut report = report;
    for (word, paths) in [("Planted", &planted.written), ("Left as it is", &planted.kept)] {
        for path in paths {
            report.add(&text!["\n", word, ": ", path]);
        }
    }
    for next in &planted.next {
        report.add(&text!["\n  to do: ", next]);
    }
    report.json["ci"] =
        serde_json::json!({"written": planted.written, "kept": planted.kept, "to_do": planted.next});
    let written = planted.written.join(", ");
    Ok(if written.is_empty() { report } else { report.changed(format!("planted: {written}")) })
}

fn board(app: &App, args: &Init) -> Result<Report, Refusal> {
    if let Some(data) = &args.from {
        let renaming = Renaming {
            renames: parse::renames(&args.names.rename)?,
            bad_names: if args.names.slugify { Slugify::Yes } else { Slugify::No },
        };
        let data = app.options().start.join(data);
        let (made, done, aside) = engine::init_from(app.options(), Env::from_process(), &data, &renaming)?;
        let name = made.board.board_name()?;
        let kept = aside.map(|path| path.display().to_string());
        let mut report = exchange::imported(&done);
        let first = text!["Initialised the board on ", name, "\n", exchange::sentence(&done)];
        let moved = kept.as_ref().map(|path| text!["\nThe originals are kept in ", path, ", untracked."]);
        report.body = text![first, moved.unwrap_or_default()].into();
        report.json["board"] = name.into();
        report.json["kept"] = kept.into();
        return Ok(report);
    }
    let made = engine::init(app.options(), Env::from_process())?;
    let name = made.board.board_name()?;
    let json = serde_json::json!({
        "created": made.commit.is_some() || made.is_new_branch,
        "board": name,
        "commit": made.commit,
        "merge_driver_registered": made.is_driver_new,
    });
    let text = match &made.commit {
        Some(commit) => {
            let next = if app.quiet { Text::default() } else { Text::page(NEXT) };
            text!["Initialised the board on ", name, " in commit ", &commit[..7], "\n", next]
        }
        None if made.is_new_branch => {
            text!["The board lives on the branch ", name, " from now on."]
        }
        None if made.is_driver_new => {
            let now = "is there already; this clone merges its files field by field from now on.";
            text!["The board on ", name, " ", now]
        }
        None => text!["The board on ", name, " is there already; nothing to do."],
    };
    let done = match &made.commit {
        Some(commit) => Some(format!("commit {}", &commit[..7])),
        None => (made.is_new_branch || made.is_driver_new).then(|| "git's configuration is set".to_owned()),
    };
    let report = Report::new(&json, text);
    Ok(if let Some(done) = done { report.changed(done) } else { report })
}

pub fn status(app: &App) -> Result<Report, Refusal> {
    let board = app.board()?;
    let (status, unread) = board.status()?.parts();
    let (name, now) = (board.board_name()?, board.now());
    Ok(Report::long(status, move |status| status.text(&name, now)).unread(unread))
}

pub fn renew_archive(app: &App) -> Result<Report, Refusal> {
    let kept = engine::renew_archive(app.options(), Env::from_process())?;
    let json = serde_json::json!({"kept": kept});
    let text = format!("The archive of finished claims begins anew, with {kept} that could still be read.");
    Ok(Report::new(&json, text).changed("the archive was begun anew"))
}

pub fn doctor(app: &App, fix: bool) -> Result<Report, Refusal> {
    let mend = if fix { Mend::Yes } else { Mend::No };
    let found = engine::examine(app.options(), Env::from_process(), mend)?;
    let json: Vec<serde_json::Value> = found
        .iter()
        .map(|one| {
            serde_json::json!({
                "code": one.code, "place": one.place, "what": one.what, "fix": one.fix, "fixed": one.is_fixed,
            })
        })
        .collect();
    if found.is_empty() {
        return Ok(Report::new(&json, "Nothing is wrong."));
    }
    let text: Text = found
        .iter()
        .map(|one| {
            let next = if one.is_fixed { text!["put right"] } else { text!["to do: ", one.fix] };
            text![bold(one.code), ": ", one.place, ": ", one.what, "\n  ", next, "\n"]
        })
        .collect();
    let is_well = found.iter().all(|one| one.is_fixed || one.is_remark());
    if is_well {
        return Ok(Report::new(&json, text));
    }
    let is_damaged = found.iter().any(|one| one.code == Finding::DAMAGE);
    let exit = if is_damaged { Code::Damaged.exit() } else { 1 };
    Ok(Report::new(&json, text).exit(exit))
}
