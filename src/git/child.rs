//! Programs that may take no longer than is given to them.
//!
//! Git starts others (ssh, a remote's helper), and those stay when git alone is killed. So what may be cut short has a
//! process group of its own, which is ended as a whole. What the terminal sends to the group that we belong to does not
//! reach it then: while it runs, an interrupt that would end us ends it first.

use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// How long a group may take to tidy up, before it is killed.
const GRACE: Duration = Duration::from_millis(100);

/// Runs a program to its end; none if it took longer than `patience`: then it is gone, with all that it started.
pub(super) fn run_for(command: &mut Command, patience: Duration) -> io::Result<Option<ExitStatus>> {
    let interrupts = Interrupts::heed();
    let deadline = Instant::now() + patience;
    let mut child = Group(command.process_group(0).spawn()?);
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.0.try_wait()? {
            return Ok(Some(status));
        }
        let has_come = interrupts.has_come();
        if has_come || Instant::now() >= deadline {
            child.end();
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(16));
    }
}

/// A program that leads a process group.
struct Group(Child);

impl Group {
    /// Ends all that is in the group.
    fn end(&mut self) {
        let leader = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // Until it is waited for below, the number is nobody else's.
        if let Some(leader) = leader {
            let _gone_already = kill_process_group(leader, Signal::TERM);
            // For git to take away its temporary files.
            std::thread::sleep(GRACE);
            let _gone_already = kill_process_group(leader, Signal::KILL);
        }
        let _reaped = self.0.wait();
    }
}

/// Interrupts of this process, which end it as ever, but not before what it waits for.
struct Interrupts;

/// Whether nothing has to be ended first, and the interrupt that came while there was something.
static HEEDED: LazyLock<(Arc<AtomicBool>, Arc<AtomicUsize>)> = LazyLock::new(|| {
    let (is_idle, came) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    for signal in [SIGINT, SIGTERM] {
        // What is ignored (a shell has it so for what runs in the background) stays so.
        if is_ignored(signal) == Some(false) {
            // In this order. Where neither can be set, the program that is waited for ends in its own time.
            let _as_ever = flag::register_conditional_default(signal, Arc::clone(&is_idle)).and_then(|_| {
                flag::register_usize(signal, Arc::clone(&came), signal.unsigned_abs() as usize)
            });
        }
    }
    (is_idle, came)
});

/// Whether this process ignores a signal; none where that can't be told.
fn is_ignored(signal: i32) -> Option<bool> {
    let status = super::small::read_text("/proc/self/status".as_ref()).ok()?;
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    Some(mask >> (signal - 1) & 1 == 1)
}

impl Interrupts {
    fn heed() -> Self {
        HEEDED.0.store(false, Ordering::SeqCst);
        Self
    }

    fn has_come(&self) -> bool {
        HEEDED.1.load(Ordering::SeqCst) != 0
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        HEEDED.0.store(true, Ordering::SeqCst);
        let signal = HEEDED.1.swap(0, Ordering::SeqCst);
        if let Some(signal) = i32::try_from(signal).ok().filter(|signal| *signal != 0) {
            let _does_not_return = signal_hook::low_level::emulate_default_handler(signal);
        }
    }
}
