//! Gives the answers a body that the HTTP library makes by itself, when a request cannot even be read.
//!
//! hyper answers such a request (no HTTP, a URL or a header that is too long) with a status alone and closes the
//! connection; no handler hears of it and no setting changes it. Here the bytes of such an answer are exchanged for those
//! of a problem on their way out. Answers of handlers that have one of these statuses have a body, and pass.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::problem::CONTENT_TYPE;
use super::{Code, Problem};

/// A listener whose connections explain what cannot be read.
pub struct Explaining<L>(pub L);

impl<L: Listener> Listener for Explaining<L> {
    type Io = Explained<L::Io>;
    type Addr = L::Addr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = self.0.accept().await;
        (Explained { stream, instead: Vec::new(), written: 0 }, address)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// A connection.
pub struct Explained<S> {
    stream: S,
    /// What is sent in place of the answer at hand; empty for answers that pass.
    instead: Vec<u8>,
    /// How much of that is sent.
    written: usize,
}

impl<S: AsyncRead + Unpin> AsyncRead for Explained<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Explained<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.instead.is_empty() {
            match explained(bytes) {
                None => return Pin::new(&mut self.stream).poll_write(context, bytes),
                Some(answer) => self.instead = answer,
            }
        }
        let Self { stream, instead, written } = &mut *self;
        while *written < instead.len() {
            match ready!(Pin::new(&mut *stream).poll_write(context, &instead[*written..]))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                more => *written += more,
            }
        }
        instead.clear();
        *written = 0;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match pieces.iter().find(|piece| !piece.is_empty()) {
            // The head of an answer is one piece, and an answer without a body is all head.
            Some(head) if !self.instead.is_empty() || explained(head).is_some() => {
                self.poll_write(context, head)
            }
            _ => Pin::new(&mut self.stream).poll_write_vectored(context, pieces),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// Writes the answer that belongs in the place of one without a body; `None` for what is no such answer.
fn explained(bytes: &[u8]) -> Option<Vec<u8>> {
    let code = match bytes.get(..12)? {
        [b'H', b'T', b'T', b'P', b'/', b'1', b'.', _, b' ', status @ ..] => match status {
            b"400" => Code::BadRequest,
            b"414" => Code::UriTooLong,
            b"431" => Code::HeadersTooLarge,
            _ => return None,
        },
        _ => return None,
    };
    let head = std::str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let is_empty = |line: &str| line.eq_ignore_ascii_case("content-length: 0");
    if !head.split("\r\n").any(is_empty) {
        return None;
    }
    let body = serde_json::to_string(&Problem::plain(code).body()).ok()?;
    let mut answer = String::with_capacity(head.len() + body.len() + 128);
    for line in head.split("\r\n").filter(|line| !is_empty(line)) {
        answer.push_str(line);
        answer.push_str("\r\n");
    }
    answer.push_str(&format!(
        "content-type: {CONTENT_TYPE}\r\ncontent-length: {}\r\ncache-control: no-store\r\n\r\n{body}",
        body.len()
    ));
    Some(answer.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_bare_refusals_are_explained() {
        let bare = "HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ncontent-length: 0\r\ndate: x\r\n\r\n";
        let answer = String::from_utf8(explained(bare.as_bytes()).unwrap()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 414 URI Too Long\r\nconnection: close\r\ndate: x\r\n"));
        assert!(head.contains(&format!("content-length: {}\r\n", body.len())), "{head}");
        assert!(body.contains("\"code\":\"uri_too_long\""), "{body}");
        for other in [
            "",
            "HTTP/1.1 414",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
            "{\"text\":\"HTTP/1.1 400\"}",
        ] {
            assert!(explained(other.as_bytes()).is_none(), "{other}");
        }
    }
}
