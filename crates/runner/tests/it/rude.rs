//! A server that speaks PostgreSQL's protocol and answers nonsense.

use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What it answers when it is asked something.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manners {
    /// It signs everybody in, and each row has nothing but NULL.
    Nulls,
    /// Each row has words of the wrong type.
    Words,
    /// No rows where there is always one.
    NoRows,
    /// It ends a question that nobody asked.
    Confused,
    /// It says these bytes before anything else.
    Says(&'static [u8]),
    /// It says these bytes to the first question.
    Answers(&'static [u8]),
}

/// Where it listens.
pub(crate) struct Rude {
    pub(crate) url: String,
}

impl Rude {
    pub(crate) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((client, _peer)) = listener.accept().await {
                // The client may go away at any moment.
                tokio::spawn(async move { serve(client, manners).await.ok() });
            }
        });
        Self { url: format!("postgresql://u:hunter2@127.0.0.1:{port}/d?sslmode=disable") }
    }
}

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap();
    [&[tag], length.to_be_bytes().as_slice(), body].concat()
}

const READY: &[u8] = b"Z\0\0\0\x05I";

async fn serve(mut client: TcpStream, manners: Manners) -> std::io::Result<()> {
    let startup = client.read_u32().await?;
    let mut rest = vec![0; startup as usize - 4];
    client.read_exact(&mut rest).await?;
    if let Manners::Says(bytes) = manners {
        client.write_all(bytes).await?;
        client.shutdown().await?;
        return Ok(());
    }
    let mut hello = message(b'R', &[0; 4]);
    hello.extend(message(b'S', b"server_version\x0016.3\0"));
    hello.extend(message(b'K', &[0, 0, 0, 7, 0, 0, 0, 7]));
    hello.extend(READY);
    client.write_all(&hello).await?;
    loop {
        let tag = client.read_u8().await?;
        let length = client.read_u32().await?;
        let mut body = vec![0; length as usize - 4];
        client.read_exact(&mut body).await?;
        let answer = match (tag, manners) {
            (b'Q' | b'S', Manners::Answers(bytes)) => bytes.to_vec(),
            (b'Q', _) => [message(b'C', b"SET\0"), READY.to_vec()].concat(),
            (b'P', _) => message(b'1', b""),
            (b'B', _) => message(b'2', b""),
            (b'D', _) if body.first() == Some(&b'S') => {
                [message(b't', &[0, 0]), described()].concat()
            }
            (b'D', _) => described(),
            (b'E', Manners::NoRows) => message(b'C', b"SELECT 0\0"),
            (b'E', Manners::Nulls) => row(&(-1_i32).to_be_bytes()),
            (b'E', Manners::Words) => row(b"\0\0\0\x04what"),
            (b'E', _) => [message(b'2', b""), message(b'2', b"")].concat(),
            (b'S', _) => READY.to_vec(),
            (b'X', _) => return Ok(()),
            _ => Vec::new(),
        };
        client.write_all(&answer).await?;
    }
}

/// Ten columns of the type `text`.
const COLUMNS: i16 = 10;

fn described() -> Vec<u8> {
    let column = [b"x\0".as_slice(), &[0; 6], &25_i32.to_be_bytes(), &[0xff; 6], &[0, 1]].concat();
    message(b'T', &[COLUMNS.to_be_bytes().as_slice(), &column.repeat(10)].concat())
}

fn row(column: &[u8]) -> Vec<u8> {
    let columns = [COLUMNS.to_be_bytes().as_slice(), &column.repeat(10)].concat();
    [message(b'D', &columns), message(b'C', b"SELECT 1\0")].concat()
}

/// Every way of being rude.
pub(crate) fn all() -> Arc<[Manners]> {
    Arc::new([
        Manners::Nulls,
        Manners::Words,
        Manners::NoRows,
        Manners::Confused,
        Manners::Says(b""),
        Manners::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
        Manners::Says(b"SSH-2.0-OpenSSH_9.6\r\n"),
        Manners::Says(b"E\0\0\0\x04"),
        Manners::Says(b"E\0\0\0\x09SX\0\0\0"),
        Manners::Says(b"R\0\0\0\x02"),
        Manners::Says(b"R\xff\xff\xff\xff"),
        Manners::Says(b"R\0\0\0\x08\0\0\0\x63"),
        Manners::Answers(b"E\0\0\0\x05\0"),
        Manners::Answers(b"D\0\0\0\x06\0\x05Z\0\0\0\x05I"),
        Manners::Answers(b"Z\0\0\0\x05IZ\0\0\0\x05IZ\0\0\0\x05IZ\0\0\0\x05I"),
        Manners::Answers(b"\x7f\x7f\x7f\x7f\x7f\x7f\x7f"),
        Manners::Answers(b"S\0\0\0\x06\xff\xff"),
        Manners::Answers(b"N\0\0\0\x05\0"),
    ])
}
