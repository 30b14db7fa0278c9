//! The wish to stop, from a signal to every await that can be long.

use tokio::sync::watch;

/// A wish to stop that does not go away. Clones share it.
#[derive(Debug, Clone)]
pub struct Interrupt(watch::Receiver<bool>);

/// The other end.
#[derive(Debug)]
pub struct Interrupter(watch::Sender<bool>);

impl Interrupt {
    /// Both ends.
    pub fn pair() -> (Interrupter, Self) {
        let (sender, receiver) = watch::channel(false);
        (Interrupter(sender), Self(receiver))
    }

    /// Whether somebody wants us to stop.
    pub fn requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns when somebody wants us to stop; never, if the other end is gone.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|requested| *requested).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Interrupter {
    /// Asks to stop.
    pub fn interrupt(&self) {
        self.0.send_replace(true);
    }
}
