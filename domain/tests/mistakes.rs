//! The commonest mistakes, and what the compiler says to each: the messages are part of the API.
//!
//! Each file in `mistakes/` is one, and does not compile; the `.stderr` beside it is what the compiler says.
//! They are compared word by word, so only with the compiler whose words they are.
//!
//! `TRYBUILD=overwrite cargo test -p relais-domain --test mistakes` writes these anew: read them before they are committed.

#[test]
#[rustversion::attr(not(stable(1.95)), ignore = "the words are those of Rust 1.95")]
fn are_told_with_a_hint() {
    let cases = trybuild::TestCases::new();
    // With one that compiles, all are built and not only checked: what two arguments take is known no sooner.
    cases.pass("tests/right/*.rs");
    cases.compile_fail("tests/mistakes/*.rs");
}
