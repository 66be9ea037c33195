//! Laws of `engine::decide`, held by random policies, histories and observations (proptest).
//!
//! `generate` makes inputs, sane and not; `run` closes the loop (each decision is applied); `instant` holds laws of one
//! decision, `adaptive` those of a plan, `history` laws over a run, `clock` laws of windows and clocks. A law that HPA's own rule does not give is
//! not claimed: each says what precisely holds. Case counts keep the whole file below 20 s in the dev profile.

mod adaptive;
mod clock;
mod generate;
mod history;
mod instant;
mod pods;
mod run;
