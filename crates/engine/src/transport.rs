//! Owns the bytes between us and a server: the socket, its encryption, and how much of what comes is
//! taken in.
//!
//! | module | owns |
//! |---|---|
//! | `negotiate` | whether the connection is encrypted, as the mode asks for it |
//! | `stream` | such a connection, trimmed |
//! | `trim` | what is cut from the server's messages. PURE |

mod negotiate;
mod stream;
mod trim;

pub(crate) use negotiate::Negotiate;
pub(crate) use stream::Wire;

use rustix::net::sockopt;
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

/// A primary that vanishes in a failover answers neither FIN nor RST. After this much silence the
/// client asks whether it is there; the kernel's default is two hours.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(20);
/// Between two such questions.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);
/// How many of them stay without an answer before the connection is given up.
const KEEPALIVE_RETRIES: u32 = 3;
/// Linux: once it is set it decides for keep-alives too, instead of their number, so it says the same
/// (tcp(7), TCP_USER_TIMEOUT); without it, what was sent and not acknowledged is repeated for a
/// quarter of an hour.
#[cfg(target_os = "linux")]
const UNANSWERED: u32 = 35_000;

/// Where a server listens, with its host's name resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// An address and a port.
    Tcp(IpAddr, u16),
    /// The file of a socket.
    Socket(PathBuf),
}

/// A socket of either kind, with nothing agreed on yet.
pub(crate) type Raw = Box<dyn Duplex>;

/// Both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}

impl Place {
    /// libpq: the file in the directory that the host names.
    pub(crate) fn socket(directory: &str, port: u16) -> Self {
        Self::Socket(PathBuf::from(directory).join(format!(".s.PGSQL.{port}")))
    }

    /// Connects.
    pub(crate) async fn open(&self) -> io::Result<Raw> {
        match self {
            Self::Tcp(address, port) => {
                let stream = TcpStream::connect((*address, *port)).await?;
                stream.set_nodelay(true)?;
                sockopt::set_socket_keepalive(&stream, true)?;
                sockopt::set_tcp_keepidle(&stream, KEEPALIVE_IDLE)?;
                sockopt::set_tcp_keepintvl(&stream, KEEPALIVE_INTERVAL)?;
                sockopt::set_tcp_keepcnt(&stream, KEEPALIVE_RETRIES)?;
                #[cfg(target_os = "linux")]
                sockopt::set_tcp_user_timeout(&stream, UNANSWERED)?;
                Ok(Box::new(stream))
            }
            Self::Socket(path) => Ok(Box::new(UnixStream::connect(path).await?)),
        }
    }
}
