//! An endpoint that answers each operation as a story says, and nothing else: for what even the
//! sandbox would be too much of an AWS.

use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The JSON protocol's operation, the query protocol's action, or method and path.
    pub(crate) operation: String,
    /// JSON, or the text of a form.
    pub(crate) body: Value,
    pub(crate) authorization: String,
}

/// A status and a body; a string is sent as it is.
pub(crate) type Answer = (u16, Value);

type Handler = Arc<dyn Fn(&Request) -> Option<Answer> + Send + Sync>;

/// The endpoint; it ends with the test's runtime.
pub(crate) struct Endpoint {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Endpoint {
    /// Starts it. Where the handler has no answer, the operation is unknown.
    pub(crate) async fn start(
        handler: impl Fn(&Request) -> Option<Answer> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let handler: Handler = Arc::new(handler);
        let journal = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&handler), Arc::clone(&journal)));
            }
        });
        Self { url, requests }
    }

    /// All requests so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// The operations that were asked for, each once, in alphabetical order.
    pub(crate) fn operations(&self) -> Vec<String> {
        let mut names: Vec<String> =
            self.requests().into_iter().map(|request| request.operation).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// An error as AWS words it.
pub(crate) fn error(code: &str, message: &str) -> Answer {
    (400, json!({"__type": code, "message": message}))
}

async fn answer(
    mut stream: TcpStream,
    handler: Handler,
    journal: Arc<Mutex<Vec<Request>>>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let header = |name: &str| {
        head.lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").map_or(Some(0), |length| length.parse().ok())?;
    while bytes.len() < head_end + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8_lossy(&bytes[head_end..head_end + length]).into_owned();
    let action = text.split('&').find_map(|pair| pair.strip_prefix("Action="));
    let operation = match (header("x-amz-target"), action) {
        (Some(target), _) => target.rsplit_once('.')?.1.to_owned(),
        (None, Some(action)) => action.to_owned(),
        (None, None) => head.lines().next()?.rsplit_once(' ')?.0.to_owned(),
    };
    let request = Request {
        operation,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
        authorization: header("authorization").unwrap_or_default(),
    };
    let (status, body) =
        handler(&request).unwrap_or_else(|| error("UnknownOperationException", &request.operation));
    journal.lock().unwrap().push(request);
    let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
    let answer = format!(
        "HTTP/1.1 {status} X\r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}
