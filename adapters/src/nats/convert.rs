//! Messages of async-nats and messages of the domain.

use bytes::Bytes;
use relais_domain::{
    message::{Headers, MAX_HEADERS, Message},
    ports::{Delivery, Malformed},
    subject::Subject,
};

pub(super) fn subject_out(subject: Subject) -> async_nats::Subject {
    async_nats::Subject::try_from(subject.into_bytes()).expect("a subject is ASCII")
}

pub(super) fn headers_out(headers: &Headers) -> Option<async_nats::HeaderMap> {
    if headers.is_empty() {
        return None;
    }
    let mut map = async_nats::HeaderMap::new();
    headers.iter().for_each(|(name, value)| map.append(name, value));
    Some(map)
}

/// What arrived, as the domain takes it. Everything is checked before it is kept.
pub(super) fn message_in(message: async_nats::Message) -> Delivery {
    if let Some(status) = message.status {
        return Err(Malformed::Status(status.as_u16()));
    }
    let text = |subject: async_nats::Subject| Bytes::from(subject.into_string());
    let subject = Subject::new(text(message.subject)).map_err(Malformed::Subject)?;
    let reply = message.reply.map(text).map(Subject::reply).transpose().map_err(Malformed::Reply)?;
    let headers = message.headers.map_or_else(|| Ok(Headers::default()), |map| headers_in(&map))?;
    Ok(Message { subject, reply, headers, payload: message.payload })
}

fn headers_in(map: &async_nats::HeaderMap) -> Result<Headers, Malformed> {
    let pairs = || {
        map.iter()
            .flat_map(|(name, values)| values.iter().map(move |value| (AsRef::<str>::as_ref(name), value.as_str())))
    };
    let size = pairs().map(|(name, value)| name.len() + value.len()).sum();
    if size > MAX_HEADERS { Err(Malformed::Headers(size)) } else { Ok(pairs().collect()) }
}
