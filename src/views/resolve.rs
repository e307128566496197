//! What somebody typed for a task, and the task that is meant.

use crate::model::{Code, Refusal, TaskId, TaskRef, View, listed};

/// The one task that `reference` means. Refused: [`Code::NotFound`], or [`Code::Ambiguous`] with the
/// candidates. Reads the directory alone.
pub fn task(view: &dyn View, reference: &TaskRef) -> Result<TaskId, Refusal> {
    let found = view.find_tasks(reference)?;
    match found.as_slice() {
        [one] => Ok(*one),
        [] => Err(Refusal::new(Code::NotFound, format!("there is no task `{reference}`"))
            .hint("orchestrator status")),
        several => {
            let named = listed(several.iter().map(|id| format!("`{id}`")));
            let said = format!("`{reference}` may be any of {} tasks: {named}", several.len());
            Err(Refusal::new(Code::Ambiguous, said).hint(format!("orchestrator task show {}", several[0])))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::views::fake::{Board, id, task as draft};

    #[test]
    fn a_prefix_means_one_task_or_is_refused_with_the_candidates() {
        let board = Board::with(vec![
            draft("299833bc", "revenue", "a").seen(),
            draft("29984444", "revenue", "b").seen(),
        ]);
        let find = |text: &str| task(&board, &TaskRef::parse(text).unwrap());
        assert_eq!(find("29983").unwrap(), id("299833bc"));
        assert_eq!(find("fff").unwrap_err().code, Code::NotFound);
        let several = find("2998").unwrap_err();
        assert_eq!(several.code, Code::Ambiguous);
        assert_eq!(several.message, "`2998` may be any of 2 tasks: `299833bc`, `29984444`");
    }
}
