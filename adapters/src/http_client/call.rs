//! How the generated client sends: with the access token, and no more of the answer read than is ours.

use progenitor_client::{ClientHooks, ClientInfo, Error, OperationInfo};
use relais_domain::secret::Secret;
use reqwest::{
    Request, Response,
    header::{AUTHORIZATION, HeaderValue},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::generated;

/// The largest answer that is read, in bytes; a login's is about 3 KB, a page of the longest entries of the audit 540 KB.
pub(super) const MAX_ANSWER: usize = 1024 * 1024;

/// A secret on its way: into the body of a request, or out of that of an answer. It has no `Debug`, as [`Secret`] has none.
#[derive(Clone)]
pub(super) struct Sealed(pub(super) Secret);

impl From<&Secret> for Sealed {
    fn from(secret: &Secret) -> Self {
        Self(secret.clone())
    }
}

impl Serialize for Sealed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose())
    }
}

impl<'de> Deserialize<'de> for Sealed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::from(text)))
    }
}

/// Whose access token goes with a call; `None` is nobody's.
#[derive(Clone)]
pub(super) struct Bearer(pub(super) Option<Secret>);

/// The mark of an answer that was not read to its end.
#[derive(Clone)]
struct TooLong;

impl ClientHooks<Bearer> for generated::Client {
    async fn pre<E>(&self, request: &mut Request, _: &OperationInfo) -> Result<(), Error<E>> {
        let Bearer(Some(token)) = self.inner() else { return Ok(()) };
        let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))
            .map_err(|_| Error::InvalidRequest("the access token holds what no header can".to_owned()))?;
        header.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, header);
        Ok(())
    }

    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        let mut response = self.client().execute(request).await?;
        let (mut body, mut too_long) = (Vec::new(), false);
        while let Some(chunk) = response.chunk().await? {
            too_long = body.len() + chunk.len() > MAX_ANSWER;
            if too_long {
                break;
            }
            body.extend_from_slice(&chunk);
        }
        let mut read = http::Response::new(body);
        *read.status_mut() = response.status();
        *read.headers_mut() = response.headers().clone();
        if too_long {
            read.extensions_mut().insert(TooLong);
        }
        Ok(read.into())
    }

    async fn post<E>(&self, result: &reqwest::Result<Response>, _: &OperationInfo) -> Result<(), Error<E>> {
        if result.as_ref().is_ok_and(|response| response.extensions().get::<TooLong>().is_some()) {
            return Err(Error::Custom(format!("its answer is longer than {MAX_ANSWER} bytes")));
        }
        Ok(())
    }
}
