//! Search in what agents know.

use serde::{Deserialize, Serialize};

use crate::model::{Fault, Reading, Unread, View};

use super::show::all_knowledge;

/// How many lines of one document are told.
const LINES: usize = 5;

/// A line in which something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// The document's topic.
    pub topic: String,
    /// From 1, in the markdown (the file's front matter does not count).
    pub line: usize,
    /// The line, without its ending.
    pub text: String,
}

/// The lines that speak of `words`, best document first.
///
/// Every word must occur in a document, in its topic or its text, in either case, as a part of a word too.
/// Of each such document up to five lines are told, those with the most different words first; its
/// first line where only the topic speaks of them. Words are parted by blanks; without any, nothing is
/// found. What can't be read may speak of them too.
pub fn search(view: &dyn View, words: &str) -> Result<Reading<Vec<Found>>, Fault> {
    let mut wanted: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    wanted.sort();
    wanted.dedup();
    let mut hits = Vec::new();
    if wanted.is_empty() {
        return Ok(Reading::whole(hits));
    }
    let (mut ranked, mut unread) = (Vec::new(), Unread::default());
    for known in all_knowledge(view)?.note(&mut unread) {
        let topic = known.topic;
        let name = topic.as_str().to_lowercase();
        let text = known.content.to_lowercase();
        if wanted.iter().all(|word| name.contains(word) || text.contains(word)) {
            let by_name = wanted.iter().filter(|word| name.contains(*word)).count();
            let times: usize = wanted.iter().map(|word| text.matches(word.as_str()).take(9).count()).sum();
            let lines = lines(&known.content, &wanted);
            let together = lines.first().map_or(0, |line| line.0);
            ranked.push((10 * by_name + 5 * together + times, topic, lines));
        }
    }
    // The list of topics is sorted, and a stable sort keeps it so among equals.
    ranked.sort_by_key(|(score, ..)| std::cmp::Reverse(*score));
    for (_, topic, lines) in ranked {
        for (_, line, text) in lines {
            hits.push(Found { topic: topic.to_string(), line, text });
        }
    }
    Ok(Reading::of(hits, unread))
}

/// The lines with the most different words: how many, number, text.
fn lines(content: &str, wanted: &[String]) -> Vec<(usize, usize, String)> {
    let mut found: Vec<(usize, usize, &str)> = Vec::new();
    for (at, line) in content.lines().enumerate() {
        let lower = line.to_lowercase();
        let words = wanted.iter().filter(|word| lower.contains(*word)).count();
        if words > 0 {
            found.push((words, at + 1, line));
        }
    }
    if found.is_empty() {
        found.push((0, 1, content.lines().next().unwrap_or_default()));
    }
    found.sort_by_key(|(words, at, _)| (std::cmp::Reverse(*words), *at));
    found.truncate(LINES);
    found.into_iter().map(|(words, at, line)| (words, at, line.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::Board;

    fn found(words: &str) -> Vec<(String, usize, String)> {
        let board = Board::default()
            .knows("notes", "# Notes\r\nnothing here\nUSDC is slow, PAYMENTS too\n")
            .knows("payments", "Use NOWPayments.\nIt speaks USDC.\n")
            .knows("zebra", "");
        search(&board, words)
            .unwrap()
            .require()
            .unwrap()
            .into_iter()
            .map(|one| (one.topic, one.line, one.text))
            .collect()
    }

    fn hit(topic: &str, line: usize, text: &str) -> (String, usize, String) {
        (topic.to_owned(), line, text.to_owned())
    }

    #[test]
    fn every_word_must_occur_and_the_best_document_comes_first() {
        assert_eq!(
            found("usdc Payments"),
            [
                hit("payments", 1, "Use NOWPayments."),
                hit("payments", 2, "It speaks USDC."),
                hit("notes", 3, "USDC is slow, PAYMENTS too"),
            ]
        );
        assert_eq!(found("slow usdc"), [hit("notes", 3, "USDC is slow, PAYMENTS too")]);
        assert_eq!(found("slow nowpayments"), []);
    }

    #[test]
    fn lines_lose_their_ending_and_a_topic_alone_is_a_hit() {
        assert_eq!(found("notes"), [hit("notes", 1, "# Notes")]);
        assert_eq!(found("zeb"), [hit("zebra", 1, "")]);
        assert_eq!(found("  "), []);
    }
}
