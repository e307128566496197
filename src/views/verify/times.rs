//! Times: none lies in the future, none runs backwards.
//!
//! A mutation of ours writes one moment into its event, its author's date and its committer's date. Rebases and
//! cherry-picks keep event and author's date, and write another committer's date: those go back in honest histories,
//! and by any length. So only a commit whose two dates are one is asked to be later than those that it follows.

use crate::model::{Event, Exhibit, Span, Timestamp, Wording};

use super::imports::Brought;
use super::overtaken::is_original;
use super::{Judge, Severity, number};

impl Judge {
    pub(super) fn times(&mut self, exhibit: &Exhibit, brought: &Brought) {
        let parents = exhibit.parents.iter().filter_map(|parent| self.peaks.get(&number(parent)));
        let peak = parents.max().copied();
        let is_told = |event: &&Event| event.line.is_none() && !brought.has(event);
        let told: Vec<Timestamp> = exhibit.events.iter().filter(is_told).map(|event| event.ts).collect();
        let latest = self.now.plus(self.slack);
        let stamps = [exhibit.author.at, exhibit.committer.at];
        if let Some(at) = told.iter().chain(&stamps).copied().max().filter(|at| *at > latest) {
            let what = format!("it is of {at}, {} in the future", at.since(self.now).in_words());
            self.tell(Severity::Error, "future", exhibit, None, what);
        }
        let own = told.iter().copied().filter(|at| *at <= latest).map(Timestamp::millis).max();
        let peak_here = peak.max(own);
        if let Some(at) = peak_here {
            self.peaks.insert(number(&exhibit.commit), at);
        }
        if exhibit.wording != Wording::Ours {
            return;
        }
        let (Some(first), Some(last)) = (told.iter().min(), told.iter().max()) else { return };
        let author = exhibit.author.at;
        // A date is in whole seconds: it means any moment of that one.
        let end_of_second = author.plus(Span::from_millis(999));
        let apart = last.since(end_of_second).max(author.since(*first));
        if apart > self.slack {
            let what = format!("its author's date is {author}, its event is of {first}");
            self.tell(Severity::Error, "date", exhibit, None, what);
        }
        if let Some(peak) = peak.map(Timestamp::from_millis)
            && is_original(exhibit)
            && first.plus(self.slack) < peak
        {
            let back = peak.since(*first).in_words();
            let what = format!("its event is of {first}, {back} before one that it follows");
            self.tell(Severity::Error, "time_back", exhibit, None, what);
        }
    }
}
