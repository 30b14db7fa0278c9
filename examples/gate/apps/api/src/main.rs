//! The API of the example: `/healthz` answers from the database, so that a deployment onto a
//! schema it does not know is seen at once.

use std::error::Error;
use std::io::Write as _;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_postgres::{Client, NoTls};

/// What this version of the API reads; it fails where a migration is missing.
const HEALTH: &str = "SELECT count(*), coalesce(min(currency), '-') FROM products";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = variable("DATABASE_URL").ok_or("DATABASE_URL is not set")?;
    let port = variable("PORT").unwrap_or_else(|| "8080".to_owned());
    let version = variable("VERSION").unwrap_or_else(|| "unknown".to_owned());
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    let listener = TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    writeln!(std::io::stdout(), "api {version} listens on {}", listener.local_addr()?)?;
    loop {
        let (stream, _peer) = listener.accept().await?;
        // A client that goes away early is its own affair.
        let _answered = answer(stream, &client, &version).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "the example's only reader of the environment")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

async fn answer(
    mut stream: TcpStream,
    client: &Client,
    version: &str,
) -> Result<(), Box<dyn Error>> {
    let mut request = String::new();
    BufReader::new(&mut stream).read_line(&mut request).await?;
    let (status, body) = match request.split(' ').nth(1) {
        Some("/healthz") => match health(client).await {
            Ok((products, currency)) => (
                "200 OK",
                format!(
                    "{{\"version\":\"{version}\",\"products\":{products},\"currency\":\"{currency}\"}}\n"
                ),
            ),
            Err(error) => (
                "503 Service Unavailable",
                format!("{{\"version\":\"{version}\",\"error\":\"{error}\"}}\n"),
            ),
        },
        _ => ("404 Not Found", "{}\n".to_owned()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(())
}

async fn health(client: &Client) -> Result<(i64, String), tokio_postgres::Error> {
    let row = client.query_one(HEALTH, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
