//! When to stop asking a server that does not answer: a circuit breaker per server.
//!
//! Without it every policy would wait the full timeout at each turn, and with it a place of the controller's. After
//! [`LIMIT`] requests in a row without an answer, instant queries fail at once with the cause of the last; one is let
//! through each pause, and any answer at all ends it. An answer that is an error is an answer: the server is alive.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::refusal::Refusal;
use crate::engine::observation::Cause;

/// Requests without an answer, one after the other, before no more are sent. A single lost connection, or a restart of
/// Prometheus seen by two or three policies, must not silence the rest; the eight places of one round may.
const LIMIT: u32 = 5;

/// One server's circuit. Time is an argument.
pub(super) struct Circuit {
    pause: Duration,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Requests without an answer since the last answer.
    unanswered: u32,
    /// The last of them.
    last: Option<(Cause, String)>,
    /// When the next may be let through.
    next: Option<Instant>,
}

impl Circuit {
    /// `pause`: time between two that are let through.
    pub(super) fn new(pause: Duration) -> Self {
        let state = Mutex::default();
        Circuit { pause, state }
    }

    /// Asks for leave to send an instant query. Past the pause one has it, and the pause begins anew: were it dropped
    /// before it ended, the next pause would let another through.
    pub(super) fn admit(&self, now: Instant) -> Result<(), Refusal> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.refusal(&state, now)?;
        if state.unanswered >= LIMIT {
            state.next = Some(now + self.pause);
        }
        Ok(())
    }

    /// Asks for leave to fetch history, or what a view shows. It never takes the turn of the instant query that is let
    /// through: a range may time out because it is long, a view's query because it is badly made, and either would then
    /// keep the server silenced.
    pub(super) fn admit_aside(&self, now: Instant) -> Result<(), Refusal> {
        self.refusal(&self.state.lock().unwrap_or_else(PoisonError::into_inner), now)
    }

    /// The server answered, whatever it said.
    pub(super) fn answered(&self) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = State::default();
    }

    /// The server did not answer an instant query.
    pub(super) fn unanswered(&self, cause: Cause, what: &str, now: Instant) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.unanswered = state.unanswered.saturating_add(1);
        state.last = Some((cause, what.to_owned()));
        state.next = Some(now + self.pause);
    }

    fn refusal(&self, state: &State, now: Instant) -> Result<(), Refusal> {
        let (Some((cause, what)), Some(next)) = (&state.last, state.next) else {
            return Ok(());
        };
        if state.unanswered < LIMIT || now >= next {
            return Ok(());
        }
        // No instant and no count in the message: it goes into the status, which is not to change at each turn.
        let pause = self.pause.as_secs_f64();
        Err(Refusal::NotAsked(
            *cause,
            format!("not asked: {what}, {LIMIT} times or more in a row; it is tried again every {pause} s"),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    enum Event {
        /// A request ends without an answer.
        Silent,
        /// A request ends with one.
        Answer,
        /// An instant query asks for leave, and has it or not.
        Asks(bool),
        /// The same for history.
        AsksHistory(bool),
    }
    use Event::{Answer, Asks, AsksHistory, Silent};

    /// `silent` requests without an answer at second 0, then the events, each at its second.
    fn check(silent: u32, events: &[(u64, Event)]) {
        let circuit = Circuit::new(Duration::from_secs(5));
        let begin = Instant::now();
        let fails = |now| circuit.unanswered(Cause::Timeout, "no answer within 5 s", now);
        (0..silent).for_each(|_| fails(begin));
        for (i, (second, event)) in events.iter().enumerate() {
            let now = begin + Duration::from_secs(*second);
            match event {
                Silent => fails(now),
                Answer => circuit.answered(),
                Asks(leave) => assert_eq!(circuit.admit(now).is_ok(), *leave, "event {i}"),
                AsksHistory(leave) => assert_eq!(circuit.admit_aside(now).is_ok(), *leave, "event {i}"),
            }
        }
    }

    #[test]
    fn five_in_a_row_silence_the_rest() {
        check(0, &[(0, Asks(true))]);
        check(4, &[(0, Asks(true)), (0, AsksHistory(true))]);
        check(5, &[(0, Asks(false)), (4, Asks(false)), (4, AsksHistory(false))]);
        check(4, &[(0, Answer), (0, Silent), (0, Asks(true))]);
    }

    #[test]
    fn one_is_let_through_each_pause_until_an_answer() {
        check(
            5,
            &[(5, Asks(true)), (5, Asks(false)), (9, Asks(false)), (10, Asks(true))],
        );
        // Its failure begins the pause anew, its answer ends it.
        check(5, &[(5, Asks(true)), (9, Silent), (13, Asks(false)), (14, Asks(true))]);
        check(5, &[(5, Asks(true)), (6, Answer), (6, Asks(true)), (6, Asks(true))]);
    }

    #[test]
    fn history_takes_nobody_s_turn() {
        check(5, &[(5, AsksHistory(true)), (5, Asks(true)), (5, AsksHistory(false))]);
    }
}
