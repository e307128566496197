//! How much a piece of knowledge has to say about a task.
//!
//! By words: those of the title and the labels weigh more than those of the description, a word that stands
//! in few documents more than one that stands in many, the topic more than the text. A document that names
//! the task's id comes first.

use std::collections::{HashMap, HashSet};

use crate::model::{Knowledge, Task};

use super::quote;

/// How much of each text is looked at.
const LONGEST: usize = 64 * 1024;

/// The words of all documents.
pub(crate) struct Index {
    documents: Vec<Words>,
    frequency: HashMap<String, usize>,
}

struct Words {
    topic: HashSet<String>,
    text: HashMap<String, u32>,
}

/// Words of other languages' grammar are rare enough here to be left alone.
const STOP: [&str; 70] = [
    "about",
    "add",
    "after",
    "all",
    "also",
    "and",
    "any",
    "are",
    "been",
    "before",
    "but",
    "can",
    "change",
    "create",
    "description",
    "does",
    "done",
    "each",
    "fix",
    "for",
    "from",
    "get",
    "has",
    "have",
    "how",
    "implement",
    "into",
    "its",
    "make",
    "more",
    "must",
    "need",
    "new",
    "not",
    "now",
    "off",
    "one",
    "only",
    "or",
    "other",
    "our",
    "out",
    "set",
    "should",
    "similar",
    "some",
    "such",
    "support",
    "task",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "this",
    "todo",
    "update",
    "use",
    "using",
    "was",
    "were",
    "what",
    "when",
    "which",
    "will",
    "with",
    "write",
    "you",
];

/// The words of a text, lower-case, a plural as its singular; without those that say nothing.
fn words(text: &str) -> impl Iterator<Item = String> {
    let text = quote::beginning(text, LONGEST);
    text.split(|c: char| !c.is_alphanumeric()).filter_map(|word| {
        let word = word.to_lowercase();
        if word.chars().count() < 3 || STOP.binary_search(&word.as_str()).is_ok() {
            return None;
        }
        let plural = word.len() > 3 && word.ends_with('s') && !word.ends_with("ss");
        Some(if plural { word[..word.len() - 1].to_owned() } else { word })
    })
}

impl Index {
    /// Reads every document once.
    pub(crate) fn of(documents: &[Knowledge]) -> Self {
        let mut index = Self { documents: Vec::new(), frequency: HashMap::new() };
        for document in documents {
            let topic: HashSet<String> = words(document.topic.as_str()).collect();
            let mut text: HashMap<String, u32> = HashMap::new();
            for word in words(&document.content) {
                *text.entry(word).or_default() += 1;
            }
            for word in topic.iter().chain(text.keys().filter(|word| !topic.contains(*word))) {
                *index.frequency.entry(word.clone()).or_default() += 1;
            }
            index.documents.push(Words { topic, text });
        }
        index
    }

    /// The documents that have something to say about `task`, best first, by their place in the list that
    /// the index was made of; equals in that order.
    pub(crate) fn relevant(&self, task: &Task) -> Vec<usize> {
        let id = task.id.as_str();
        let mut weights: HashMap<String, u64> = HashMap::new();
        let mut weigh = |text: &str, weight: u64| {
            for word in words(text) {
                let known = weights.entry(word).or_default();
                *known = weight.max(*known);
            }
        };
        weigh(&task.description, 1);
        weigh(task.workstream.as_str(), 3);
        task.labels.iter().for_each(|label| weigh(label, 4));
        weigh(&task.title, 6);

        let mut scored: Vec<(u64, usize)> = Vec::new();
        for (at, document) in self.documents.iter().enumerate() {
            let mut score = 0;
            let mut strong = false;
            let mut matched: u64 = 0;
            for (word, weight) in &weights {
                let in_topic = document.topic.contains(word);
                let times = document.text.get(word).copied().unwrap_or(0);
                if !in_topic && times == 0 {
                    continue;
                }
                strong |= *weight > 1 || in_topic;
                matched += 1;
                let shares = self.documents.len() / self.frequency.get(word).copied().unwrap_or(1).max(1);
                let rarity = 1 + u64::from(shares.max(1).ilog2());
                score += weight * rarity * (if in_topic { 6 } else { 0 } + u64::from(times.min(3)));
            }
            // Two words that meet say more than one that is frequent.
            score *= matched;
            if document.text.contains_key(id) || document.topic.contains(id) {
                score += 1_000_000;
                strong = true;
            }
            // One everyday word of a long description is no reason to read a document.
            if strong || matched >= 2 {
                scored.push((score, at));
            }
        }
        scored.sort_by_key(|(score, at)| (std::cmp::Reverse(*score), *at));
        scored.into_iter().map(|(_, at)| at).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{at, knowledge, task};

    fn relevant<'a>(documents: &[(&'a str, &str)], task: &Task) -> Vec<&'a str> {
        let all: Vec<Knowledge> =
            documents.iter().map(|(topic, text)| knowledge(topic, text, "a", at(0))).collect();
        Index::of(&all).relevant(task).into_iter().map(|at| documents[at].0).collect()
    }

    #[test]
    fn stop_words_are_sorted() {
        assert!(STOP.is_sorted());
    }

    #[test]
    fn the_best_document_comes_first_and_the_others_not_at_all() {
        let about =
            task("299833bc", "revenue", "Add crypto payments to the API").says("similar USDC flow").seen();
        let documents = [
            ("cooking", "add the salt, then use the pan for all"),
            ("api-design", "REST"),
            ("notes", "somebody asked for a payment"),
            ("payments", "crypto payment provider"),
            ("old", "follow-up of 299833bc"),
            ("words", "one flow"),
            ("more-words", "a USDC flow"),
        ];
        assert_eq!(
            relevant(&documents, &about.task),
            ["old", "payments", "api-design", "notes", "more-words"]
        );
        assert_eq!(relevant(&[], &about.task), [] as [&str; 0]);
    }

    #[test]
    fn the_workstream_s_name_is_a_word() {
        let about = task("299833bc", "revenue", "x").seen();
        assert_eq!(relevant(&[("a", "our revenues"), ("b", "")], &about.task), ["a"]);
    }
}
