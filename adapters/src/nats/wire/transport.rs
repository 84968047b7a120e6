//! The line to a broker: TCP, TLS, WebSocket.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Sink, Stream};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tokio_websockets::{Message, WebSocketStream};

use super::frame::{self, Frame, Info};
use crate::{
    nats::connect::Security,
    tls::{self, Trust},
};

/// Bytes in, bytes out.
pub(in crate::nats) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Where a broker is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::nats) struct Address {
    scheme: Scheme,
    host: String,
    port: u16,
    text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Nats,
    Tls,
    Ws,
    Wss,
}

impl std::str::FromStr for Address {
    type Err = io::Error;

    fn from_str(text: &str) -> io::Result<Self> {
        let wrong = |words: String| io::Error::new(io::ErrorKind::InvalidInput, words);
        let full = if text.contains("://") { text.to_owned() } else { format!("nats://{text}") };
        let url = url::Url::parse(&full).map_err(|error| wrong(error.to_string()))?;
        let (scheme, port) = match url.scheme() {
            "nats" => (Scheme::Nats, 4222),
            "tls" => (Scheme::Tls, 4222),
            "ws" => (Scheme::Ws, 80),
            "wss" => (Scheme::Wss, 443),
            other => return Err(wrong(format!("{other}:// is none of nats, tls, ws and wss"))),
        };
        let host =
            url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| wrong("it names no host".to_owned()))?;
        let host = host.trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Self { scheme, host, port: url.port().unwrap_or(port), text: full })
    }
}

/// A line, what the broker said about itself on it, and what had come behind that.
pub(in crate::nats) struct Opened {
    pub(in crate::nats) line: Box<dyn Line>,
    pub(in crate::nats) info: Info,
    pub(in crate::nats) read: BytesMut,
}

/// Why a broker is not told who we are.
#[derive(Debug, thiserror::Error)]
enum Unsafe {
    #[error("{0}")]
    Distrusted(String),
    #[error("it is on another machine and offers no TLS: what is sent would be read, and changed, on the way")]
    Plain,
}

/// Whether that, and nothing else, is why a broker could not be had.
pub(in crate::nats) fn is_unsafe(error: &io::Error) -> bool {
    matches!(error.get_ref(), Some(error) if error.is::<Unsafe>())
}

/// Connects, up to the broker's INFO.
pub(in crate::nats) async fn open(address: &Address, security: &Security) -> io::Result<Opened> {
    let tcp = TcpStream::connect((address.host.as_str(), address.port)).await?;
    tcp.set_nodelay(true)?;
    let plain = may_be_plain(tcp.peer_addr()?.ip(), security);
    let trust = &security.trust;
    match address.scheme {
        Scheme::Nats | Scheme::Tls => {
            let mut line: Box<dyn Line> = Box::new(tcp);
            let (info, read) = hear_info(&mut line).await?;
            if !info.tls_required && address.scheme == Scheme::Nats {
                return if plain { Ok(Opened { line, info, read }) } else { Err(io::Error::other(Unsafe::Plain)) };
            }
            if !read.is_empty() {
                // Whoever speaks before TLS has begun is no broker.
                return Err(io::Error::new(io::ErrorKind::InvalidData, "somebody spoke before TLS had begun"));
            }
            Ok(Opened { line: encrypt(line, &address.host, trust).await?, info, read })
        }
        Scheme::Ws if plain => upgrade(Box::new(tcp), address).await,
        Scheme::Ws => Err(io::Error::other(Unsafe::Plain)),
        Scheme::Wss => upgrade(encrypt(Box::new(tcp), &address.host, trust).await?, address).await,
    }
}

/// Whether a connection may do without TLS. What counts is where it has led to, not the name: a name can be made to lead
/// elsewhere.
fn may_be_plain(peer: IpAddr, security: &Security) -> bool {
    security.plain || peer.to_canonical().is_loopback()
}

async fn encrypt(line: Box<dyn Line>, host: &str, trust: &Trust) -> io::Result<Box<dyn Line>> {
    let config = tls::client_config(trust, true).map_err(io::Error::other)?;
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let encrypted = TlsConnector::from(Arc::new(config)).connect(name, line).await;
    encrypted.map(|line| Box::new(line) as Box<dyn Line>).map_err(|error| match tls::distrust(&error) {
        Some(why) => io::Error::other(Unsafe::Distrusted(why)),
        None => error,
    })
}

async fn upgrade(line: Box<dyn Line>, address: &Address) -> io::Result<Opened> {
    let builder = tokio_websockets::client::Builder::new()
        .uri(&address.text)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let (socket, _) = builder.connect_on(line).await.map_err(io::Error::other)?;
    let mut line: Box<dyn Line> = Box::new(WebSocket { socket, read: Bytes::new() });
    let (info, read) = hear_info(&mut line).await?;
    Ok(Opened { line, info, read })
}

async fn hear_info(line: &mut Box<dyn Line>) -> io::Result<(Info, BytesMut)> {
    let mut read = BytesMut::with_capacity(4 * 1024);
    loop {
        match frame::take(&mut read).map_err(io::Error::other)? {
            Some(Frame::Info(info)) => return Ok((*info, read)),
            Some(Frame::Error(words)) => return Err(io::Error::other(words)),
            Some(_) => return Err(io::Error::new(io::ErrorKind::InvalidData, "the broker does not begin with INFO")),
            None if line.read_buf(&mut read).await? == 0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            None => {}
        }
    }
}

/// Bytes in the messages of a WebSocket. Where one message ends and the next begins means nothing.
struct WebSocket {
    socket: WebSocketStream<Box<dyn Line>>,
    read: Bytes,
}

impl AsyncRead for WebSocket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        while self.read.is_empty() {
            match Pin::new(&mut self.socket).poll_next(context) {
                Poll::Ready(Some(Ok(message))) if message.is_binary() => {
                    self.read = Bytes::from(BytesMut::from(message.into_payload()));
                }
                Poll::Ready(Some(Ok(message))) if message.is_close() => return Poll::Ready(Ok(())),
                // A ping, which the socket has answered, or text, which no broker sends.
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(io::Error::other(error))),
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Pending => return Poll::Pending,
            }
        }
        let part = self.read.len().min(buffer.remaining());
        buffer.put_slice(&self.read[..part]);
        self.read.advance(part);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for WebSocket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut socket = Pin::new(&mut self.socket);
        match socket.as_mut().poll_ready(context) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(error)) => return Poll::Ready(Err(io::Error::other(error))),
            Poll::Pending => return Poll::Pending,
        }
        let message = Message::binary(Bytes::copy_from_slice(bytes));
        Poll::Ready(socket.start_send(message).map(|()| bytes.len()).map_err(io::Error::other))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(context).map_err(io::Error::other)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_close(context).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_may_be_spoken_to_without_tls_unless_somebody_says_so() {
        let (device, operator) = (Security::default(), Security { plain: true, ..Security::default() });
        for (peer, plain) in [
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("::1", true),
            ("::ffff:127.0.0.1", true),
            ("10.0.0.7", false),
            ("192.168.1.2", false),
            ("2001:db8::1", false),
            ("::ffff:10.0.0.7", false),
            ("0.0.0.0", false),
        ] {
            assert_eq!(may_be_plain(peer.parse().unwrap(), &device), plain, "{peer}");
            assert!(may_be_plain(peer.parse().unwrap(), &operator), "{peer}");
        }
    }

    #[tokio::test]
    async fn an_unsafe_broker_is_told_from_an_absent_one() {
        assert!(is_unsafe(&io::Error::other(Unsafe::Plain)));
        let nobody = "tls://127.0.0.1:1".parse().unwrap();
        assert!(!is_unsafe(&open(&nobody, &Security::default()).await.err().unwrap()));
    }
}
