//! Everybody × everything: each credential of DESIGN §4 tries each operation on each subject at a real broker, and what
//! the broker says and delivers is compared with the table, written by hand a second time ([`oracle`]).
//!
//! The lists are some 1 000 subjects, and chance adds 300 for each. `RELAIS_MATRIX_SEED` repeats a run.

mod apart;
mod house;
mod oracle;
mod subjects;
mod tags;
mod verdicts;
