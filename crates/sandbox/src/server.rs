//! Owns the HTTP server: sockets in, [`crate::dispatch`] out.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::core::Core;
use crate::dispatch::{self, Dropped};

/// A sandbox at an address; stops answering when it or the sandbox drops.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepting: Option<AbortHandle>,
}

impl Server {
    pub(crate) async fn start(core: Arc<Core>, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        core.set_endpoint(format!("http://{address}"));
        let accepting = core.spawn(accept(Arc::clone(&core), listener));
        Ok(Self { address, accepting })
    }

    /// What `AWS_ENDPOINT_URL` shall be: `http://ADDRESS:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The address it listens at.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(accepting) = &self.accepting {
            accepting.abort();
        }
    }
}

async fn accept(core: Arc<Core>, listener: TcpListener) {
    let mut connections = JoinSet::new();
    loop {
        // An accept error concerns one connection (or a moment without descriptors), never the listener.
        if let Ok((stream, _)) = listener.accept().await {
            connections.spawn(serve(Arc::clone(&core), stream));
        } else {
            tokio::task::yield_now().await;
        }
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(core: Arc<Core>, stream: TcpStream) {
    let service = service_fn(|request| answer(Arc::clone(&core), request));
    // The error is a client that went away, or a fault that drops the connection.
    let connection =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    drop(connection.await);
}

async fn answer(
    core: Arc<Core>,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Full<Bytes>>, Dropped> {
    let (head, body) = request.into_parts();
    // A body cut off in the middle is answered like the broken JSON it is.
    let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
    let response = dispatch::handle(&core, http::Request::from_parts(head, body)).await?;
    Ok(response.map(|body| Full::new(Bytes::from(body))))
}
