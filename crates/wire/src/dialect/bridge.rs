//! What all bridges have in common.

use types::Timestamp;

use crate::{DecodeError, Directory, Frame, Message, RoleName};

/// What a bridge wants done.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Tell the city.
    Bus(Message),
    /// Tell the other side.
    Frame(Frame),
    /// Count as a dead letter: understood, but impossible.
    Refused {
        /// Where it came in.
        topic: String,
        /// Why.
        reason: String,
    },
    /// Write into the log.
    Note(String),
}

/// Translates between the city and clients that speak another protocol. Lives by the wall's clock.
///
/// Call [`handle_timeout`](Self::handle_timeout) at [`next_timeout`](Self::next_timeout); `now` never goes backwards.
pub trait Bridge: Send + Sync {
    /// Which role it plays on the bus.
    fn role(&self) -> RoleName;

    /// What it subscribes to, below `kitecity/v1/{run}/`.
    fn filters(&self, directory: &Directory) -> Vec<String>;

    /// What it subscribes to of the other protocol, whole filters.
    fn foreign_filters(&self) -> Vec<String>;

    /// Whether a topic is of the other protocol.
    fn is_foreign(&self, topic: &str) -> bool;

    /// The bus is there, again.
    fn connected(&mut self, now: Timestamp, out: &mut Vec<Said>);

    /// The city says something.
    fn on_bus(&mut self, now: Timestamp, message: Message, out: &mut Vec<Said>);

    /// The other side says something; `retained` – the broker had kept it, so that it is of the past.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] says what is wrong and where. Nothing in `payload` makes this panic.
    fn on_foreign(
        &mut self,
        now: Timestamp,
        topic: &str,
        payload: &[u8],
        retained: bool,
        out: &mut Vec<Said>,
    ) -> Result<(), DecodeError>;

    /// See [`next_timeout`](Self::next_timeout).
    fn handle_timeout(&mut self, now: Timestamp, out: &mut Vec<Said>);

    /// When it wants the time next.
    fn next_timeout(&self) -> Option<Timestamp>;

    /// How often that changed which should outlast the process; 0 = there is nothing of the kind.
    fn changes(&self) -> u64 {
        0
    }

    /// What should outlast the process, as JSON.
    fn memory(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes what [`memory`](Self::memory) was before, as the first call of all.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words; then nothing is taken.
    fn recall(&mut self, _memory: &[u8]) -> Result<(), String> {
        Ok(())
    }

    /// It ends: its last words.
    fn farewell(&mut self, _out: &mut Vec<Said>) {}
}
