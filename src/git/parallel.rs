//! The same piece of work for many items, on as many threads as there are processors.

use std::thread;

/// From how many items on more threads than one pay.
const MANY: usize = 1000;
/// How many threads there are at most: beyond a few, the file system is what all of them wait for.
const MOST: usize = 8;

/// What `work` makes of the items, part by part, in their order. Few items are one part, and done right here. Where a
/// part fails the others are still finished, and the first failure is returned.
pub(crate) fn in_parallel<T: Sync, R: Send, E: Send>(
    items: &[T],
    work: impl Fn(&[T]) -> Result<Vec<R>, E> + Sync,
) -> Result<Vec<R>, E> {
    let threads = match items.len() {
        ..MANY => 1,
        _ => thread::available_parallelism().map_or(1, usize::from).min(MOST),
    };
    if threads == 1 {
        return work(items);
    }
    thread::scope(|scope| {
        let work = &work;
        let parts = items.chunks(items.len().div_ceil(threads)).map(|part| {
            let thread = thread::Builder::new().spawn_scoped(scope, move || work(part));
            // Where no more threads are to be had it is done right here, in its turn.
            (part, thread.ok())
        });
        let parts: Vec<_> = parts.collect();
        let done: Vec<Result<Vec<R>, E>> = parts
            .into_iter()
            .map(|(part, thread)| match thread {
                Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                None => work(part),
            })
            .collect();
        let mut all = Vec::with_capacity(items.len());
        for part in done {
            all.extend(part?);
        }
        Ok(all)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_are_done_in_parts_and_stay_in_order() {
        for count in [0, 1, MANY - 1, MANY, 3 * MANY + 7] {
            let items: Vec<usize> = (0..count).collect();
            let double = |part: &[usize]| Ok::<_, ()>(part.iter().map(|item| item * 2).collect());
            let expected: Vec<usize> = items.iter().map(|item| item * 2).collect();
            assert_eq!(in_parallel(&items, double).unwrap(), expected);
        }
    }

    #[test]
    fn the_first_failure_is_told() {
        let items: Vec<usize> = (0..3 * MANY).collect();
        let fails = |part: &[usize]| match part.iter().find(|item| **item % MANY == 5) {
            Some(bad) => Err(*bad),
            None => Ok(part.to_vec()),
        };
        assert_eq!(in_parallel(&items, fails), Err(5));
    }
}
