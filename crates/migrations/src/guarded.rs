//! Owns work of other people's code that may panic: a parser of a language that grows. A panic there is no
//! reason to end a run, and a program that is built to abort on one (`panic = "abort"`, for its size)
//! cannot catch it. So the work has a thread of its own, which never comes back from the panic hook.

use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::mpsc::{Sender, channel};
use std::thread;

/// As much as a main thread has: a parser goes as deep as its text.
const STACK: usize = 8 * 1024 * 1024;

thread_local! {
    /// Told that this thread's work has panicked; none on other threads.
    static GIVES_UP: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

/// Before the first work is begun.
static HOOK: Once = Once::new();

/// The result of `work`; none, if it panicked. Its thread then stays, and does nothing.
pub(crate) fn guarded<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    HOOK.call_once(install);
    let (done, waiting) = channel();
    let working = thread::Builder::new().stack_size(STACK).spawn(move || {
        let panicked: Sender<Option<T>> = done.clone();
        let give_up = move || drop(panicked.send(None));
        GIVES_UP.with(|told| *told.borrow_mut() = Some(Box::new(give_up)));
        // Whoever waits cannot have gone.
        drop(done.send(Some(work())));
    });
    // Without a thread nothing was tried: the server understands more than any parser.
    working.ok()?;
    waiting.recv().ok().flatten()
}

/// Puts ours before the hook that is there, which hears of every other panic.
fn install() {
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        // The place may be gone where a thread ends.
        let told = GIVES_UP.try_with(RefCell::take).ok().flatten();
        let Some(give_up) = told else { return before(info) };
        give_up();
        loop {
            thread::park();
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_no_result() {
        assert_eq!(guarded(|| 1 + 1), Some(2));
        for _again in 0..3 {
            assert_eq!(
                guarded(|| {
                    let none: [u8; 0] = [];
                    none[std::hint::black_box(0)]
                }),
                None
            );
        }
        assert_eq!(guarded(|| guarded(|| 7)), Some(Some(7)));
        // One of anybody else is still heard of, and unwinds where that is how it is built.
        assert!(thread::spawn(|| panic!("somebody else's")).join().is_err());
    }
}
