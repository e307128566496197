//! `plan`, `brief` and `collect` over several branches.

use serde_json::Value;

use super::support::Sandbox;

fn completed(report: &Value) -> Vec<&str> {
    let list = report["completed_this_cycle"].as_array().unwrap();
    list.iter().map(|task| task["title"].as_str().unwrap()).collect()
}

#[test]
fn what_a_merge_brings_is_news_of_the_cycle_in_which_it_lands() {
    let sandbox = Sandbox::board();
    let (one, two) = (sandbox.add("On a branch"), sandbox.add("On main"));
    sandbox.git(&["switch", "-q", "-c", "feat"]);
    sandbox.run(&["t", "complete", "w", &one, "early"]).ok();
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.run(&["t", "complete", "w", &two, "late"]).ok();
    assert_eq!(completed(&sandbox.json(&["collect"])), ["On main"]);
    sandbox.git(&["merge", "-q", "-m", "Merge feat", "feat"]);
    // Its event is older than the mark of the last cycle, and yet nobody has been told of it.
    assert_eq!(completed(&sandbox.json(&["collect"])), ["On a branch"]);
    assert_eq!(completed(&sandbox.json(&["collect"])), [""; 0]);
    assert_eq!(completed(&sandbox.json(&["collect", "--all"])), ["On main", "On a branch"]);
}

#[test]
fn collecting_leaves_an_event_and_looking_back_leaves_none() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.run(&["t", "complete", "w", &id, "done"]).ok();
    let before = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.run(&["collect", "--all"]).ok();
    sandbox.run(&["collect", "--since", "1h"]).ok();
    assert_eq!(sandbox.git(&["rev-parse", "HEAD"]), before);
    sandbox.run(&["collect"]).ok();
    assert_eq!(sandbox.git(&["log", "-1", "--format=%s"]), "orchestrator: collect cycle (1 completed)\n");
    assert_eq!(sandbox.git(&["diff", "--stat", "HEAD~1"]), "");
}

#[test]
fn agents_in_the_environment_say_who_acts_and_not_what_is_shown() {
    let sandbox = Sandbox::board();
    let id = sandbox.add("Pay");
    sandbox.add("Test");
    sandbox.run(&["t", "claim", "w", &id, "agent-1"]).ok();
    let count = |words: &[&str], agent: Option<&str>| {
        let mut command = sandbox.command(&sandbox.root, words);
        if let Some(agent) = agent {
            command.env("ORCHESTRATOR_AGENT", agent);
        }
        let out = command.output().unwrap().stdout;
        serde_json::from_slice::<Value>(&out).unwrap().as_array().unwrap().len()
    };
    assert_eq!(count(&["--json", "t", "list"], Some("agent-1")), 2);
    assert_eq!(count(&["--json", "t", "list", "--agent", "agent-1"], None), 1);
    assert_eq!(count(&["--json", "--agent", "agent-1", "t", "list"], Some("agent-2")), 1);
    assert_eq!(count(&["--json", "events"], Some("agent-1")), 4);
    assert_eq!(count(&["--json", "events", "--agent", "agent-1"], None), 1);
}
