//! Which functions are handlers.

use std::future::Future;

use super::{Answer, Extract, IntoAnswer, PayloadType, Request, Signature};
use crate::subject::Pattern;

/// An async function that answers messages: up to eight arguments that [`Extract`], an answer that is [`IntoAnswer`].
///
/// `M` only tells functions of different argument types apart; it is never named.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler",
    label = "not a handler",
    note = "a handler is an `async fn` of up to eight arguments, each an extractor (`Message<T>`, `Payload`, `CurrentUser`, \
            `State<T>`, …), that returns `()`, `Message<T>`, bytes, `Answers` or a `Result` of these, and whose future is \
            `Send`"
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

macro_rules! handler {
    ($($argument:ident),*) => {
        #[allow(non_snake_case, unused_variables, unused_mut)]
        impl<F, Fut, R, S, $($argument,)*> Handler<($($argument,)*), S> for F
        where
            F: Fn($($argument),*) -> Fut + Clone + Send + Sync + 'static,
            Fut: Future<Output = R> + Send,
            R: IntoAnswer,
            S: Send + Sync + 'static,
            $($argument: Extract<S>,)*
        {
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

            fn signature() -> Signature {
                let mut payload = PayloadType::None;
                let mut by_hand = false;
                $(
                    if <$argument as Extract<S>>::TAKES_PAYLOAD {
                        payload = <$argument as Extract<S>>::payload_type();
                    }
                    by_hand |= <$argument as Extract<S>>::BY_HAND;
                )*
                Signature { payload, answer: R::answer_type(), by_hand }
            }

            async fn call(self, request: Request, state: S) -> Answer {
                $(
                    let $argument = match <$argument as Extract<S>>::extract(&request, &state).await {
                        Ok(taken) => taken,
                        Err(rejection) => return Answer::Fault(rejection.into()),
                    };
                )*
                drop(request);
                self($($argument),*).await.into_answer()
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
