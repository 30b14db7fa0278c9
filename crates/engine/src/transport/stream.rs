//! Owns a connection on which encryption is agreed: what the server says is trimmed on its way in.

use super::Raw;
use super::trim::Trim;
use crate::tls::Tls;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, MakeTlsConnect, TlsStream};

/// How much is read at a time, in bytes.
const CHUNK: usize = 16 * 1024;

type Encrypted = <Tls as MakeTlsConnect<Raw>>::Stream;

enum Inner {
    Plain(Raw),
    Encrypted(Box<Encrypted>),
}

/// The connection.
pub(crate) struct Wire {
    inner: Inner,
    trim: Trim,
    chunk: Box<[u8]>,
    /// What is trimmed and not yet taken, from `taken` on.
    ready: Vec<u8>,
    taken: usize,
}

impl Wire {
    pub(super) fn plain(raw: Raw) -> Self {
        Self::over(Inner::Plain(raw))
    }

    pub(super) fn encrypted(stream: Encrypted) -> Self {
        Self::over(Inner::Encrypted(Box::new(stream)))
    }

    fn over(inner: Inner) -> Self {
        let chunk = vec![0; CHUNK].into_boxed_slice();
        Self { inner, trim: Trim::default(), chunk, ready: Vec::new(), taken: 0 }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.taken == this.ready.len() {
            this.ready.clear();
            this.taken = 0;
            let mut chunk = ReadBuf::new(&mut this.chunk);
            ready!(match &mut this.inner {
                Inner::Plain(raw) => Pin::new(raw).poll_read(cx, &mut chunk),
                Inner::Encrypted(stream) => Pin::new(stream).poll_read(cx, &mut chunk),
            })?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.trim.feed(chunk.filled(), &mut this.ready)?;
        }
        let left = this.ready.get(this.taken..).unwrap_or_default();
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(left.get(..count).unwrap_or_default());
        this.taken += count;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.inner {
            Inner::Plain(raw) => Pin::new(raw).poll_write(cx, bytes),
            Inner::Encrypted(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(raw) => Pin::new(raw).poll_flush(cx),
            Inner::Encrypted(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.inner {
            Inner::Plain(raw) => Pin::new(raw).poll_shutdown(cx),
            Inner::Encrypted(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl TlsStream for Wire {
    fn channel_binding(&self) -> ChannelBinding {
        match &self.inner {
            Inner::Plain(_) => ChannelBinding::none(),
            Inner::Encrypted(stream) => stream.channel_binding(),
        }
    }
}
