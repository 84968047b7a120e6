//! Which functions are handlers.
//!
//! One implementation covers all handlers, and what it asks of a function is asked in traits of its own: that it is one
//! ([`Function`]), that its arguments can be taken ([`Arguments`]), that it is async ([`IsAsync`]), that it answers
//! ([`IntoAnswer`]). So a mistake is told where it is, by the hint of that very trait. Were the bounds on the
//! implementations by number of arguments, the compiler would drop these one after another and say "not a handler" to
//! everything.

use std::future::Future;

use super::{Answer, Extract, Fault, IntoAnswer, IsAsync, PayloadType, Request, Signature};
use crate::subject::Pattern;

/// An async function that answers messages: up to eight arguments that [`Extract`], an answer that is [`IntoAnswer`].
///
/// `M` is the tuple of its arguments; it is never named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn` of up to eight arguments, each taken by value; name it here, do not call it"
)]
pub trait Handler<M, S>: Clone + Send + Sync + 'static {
    /// Whether it can serve this pattern; asked once, when it is registered.
    ///
    /// # Errors
    /// Words for the developer.
    fn check(pattern: &Pattern) -> Result<(), String>;

    /// What it takes and answers.
    #[must_use]
    fn signature() -> Signature;

    /// Takes what it takes and answers.
    fn call(self, request: Request, state: S) -> impl Future<Output = Answer> + Send;
}

/// A function of up to eight arguments, whatever they are.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn` of up to eight arguments, each taken by value; name it here, do not call it"
)]
pub trait Function<M>: Clone + Send + Sync + 'static {
    /// What calling it gives: for an async function a future.
    type Output;

    /// Calls it.
    fn call_with(self, arguments: M) -> Self::Output;
}

/// The arguments of a handler, as a tuple.
#[diagnostic::on_unimplemented(
    message = "`{Self}` are no arguments of a handler",
    note = "each must be an extractor: `Message<T>`, `Payload`, `CurrentUser`, `State<T>`, …"
)]
pub trait Arguments<S>: Sized + Send {
    /// As [`Handler::check`].
    ///
    /// # Errors
    /// Words for the developer.
    fn check(pattern: &Pattern) -> Result<(), String>;

    /// What they take the payload to be, and whether one of them answers by hand.
    #[must_use]
    fn taken() -> (PayloadType, bool);

    /// Takes them from a request, one after another; the first that cannot be taken is the fault.
    fn take(request: &Request, state: &S) -> impl Future<Output = Result<Self, Fault>> + Send;
}

impl<H, M, S> Handler<M, S> for H
where
    H: Function<M>,
    M: Arguments<S>,
    H::Output: IsAsync + Send,
    <H::Output as IsAsync>::Answer: IntoAnswer,
    S: Send + Sync + 'static,
{
    fn check(pattern: &Pattern) -> Result<(), String> {
        M::check(pattern)
    }

    fn signature() -> Signature {
        let (payload, by_hand) = M::taken();
        Signature { payload, answer: <H::Output as IsAsync>::Answer::answer_type(), by_hand }
    }

    async fn call(self, request: Request, state: S) -> Answer {
        let arguments = match M::take(&request, &state).await {
            Ok(arguments) => arguments,
            Err(fault) => return Answer::Fault(fault),
        };
        drop((request, state));
        self.call_with(arguments).await.into_answer()
    }
}

macro_rules! handler {
    ($($argument:ident),*) => {
        #[allow(non_snake_case)]
        impl<F, O, $($argument,)*> Function<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> O + Clone + Send + Sync + 'static,
        {
            type Output = O;

            fn call_with(self, ($($argument,)*): ($($argument,)*)) -> O {
                self($($argument),*)
            }
        }

        #[allow(unused_variables, unused_mut)]
        impl<S: Send + Sync, $($argument: Extract<S>,)*> Arguments<S> for ($($argument,)*) {
            fn check(pattern: &Pattern) -> Result<(), String> {
                const {
                    assert!(
                        (0 $(+ <$argument as Extract<S>>::TAKES_PAYLOAD as u8)*) <= 1,
                        "two arguments of this handler take the payload; a message has one: keep one of them"
                    );
                }
                $(<$argument as Extract<S>>::check(pattern)?;)*
                Ok(())
            }

            fn taken() -> (PayloadType, bool) {
                let mut payload = PayloadType::None;
                let mut by_hand = false;
                $(
                    if <$argument as Extract<S>>::TAKES_PAYLOAD {
                        payload = <$argument as Extract<S>>::payload_type();
                    }
                    by_hand |= <$argument as Extract<S>>::BY_HAND;
                )*
                (payload, by_hand)
            }

            async fn take(request: &Request, state: &S) -> Result<Self, Fault> {
                Ok(($(<$argument as Extract<S>>::extract(request, state).await.map_err(Into::into)?,)*))
            }
        }
    };
}

handler!();
handler!(A1);
handler!(A1, A2);
handler!(A1, A2, A3);
handler!(A1, A2, A3, A4);
handler!(A1, A2, A3, A4, A5);
handler!(A1, A2, A3, A4, A5, A6);
handler!(A1, A2, A3, A4, A5, A6, A7);
handler!(A1, A2, A3, A4, A5, A6, A7, A8);
