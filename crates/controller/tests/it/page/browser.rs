//! Chromium without a screen, asked through its DevTools protocol.

use crate::support::tools;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// How long an answer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40);

/// A browser of its own.
pub(crate) struct Browser {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    number: u64,
    /// What it said that nobody asked for.
    events: Vec<Value>,
    process: Child,
    _profile: tempfile::TempDir,
}

impl Browser {
    /// `None`, and a counted skip, where there is none.
    pub(crate) async fn start() -> Option<Self> {
        let Some(program) = tools::script("chromium.sh", &[]).await else {
            tools::skip("no Chromium, and apt-get cannot install it");
            return None;
        };
        let profile = tempfile::tempdir().unwrap();
        let mut process = Command::new(program)
            .args(["--headless", "--remote-debugging-port=0", "--disable-gpu", "--no-first-run"])
            // Its own sandbox works neither for root nor in most containers; it reads our file only.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"])
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            // Debian starts it from a shell script, so the whole group has to go at the end.
            .process_group(0)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        let address = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap();
            let Some(line) = line else { panic!("Chromium ended: {said:#?}") };
            if let Some((_, address)) = line.split_once("DevTools listening on ") {
                break address.to_owned();
            }
            said.push(line);
        };
        // A full pipe would stop it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        let (socket, _) = connect_async(address).await.unwrap();
        Some(Self { socket, number: 0, events: Vec::new(), process, _profile: profile })
    }

    /// An empty tab.
    pub(crate) async fn tab(&mut self) -> Tab<'_> {
        let target = self.call("", "Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = self.call("", "Target.attachToTarget", attach).await;
        let session = attached["sessionId"].as_str().unwrap().to_owned();
        let target = target["targetId"].clone();
        let mut tab = Tab { browser: self, target, session };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            tab.call(&format!("{domain}.enable"), json!({})).await;
        }
        tab
    }

    async fn call(&mut self, session: &str, method: &str, parameters: Value) -> Value {
        self.number += 1;
        let mut request = json!({"id": self.number, "method": method, "params": parameters});
        if !session.is_empty() {
            request["sessionId"] = json!(session);
        }
        self.socket.send(Message::text(request.to_string())).await.unwrap();
        loop {
            let mut message = self.message().await;
            if message["id"] == self.number {
                assert!(message["error"].is_null(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    async fn message(&mut self) -> Value {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.unwrap();
            if let Message::Text(text) = message.unwrap().unwrap() {
                return serde_json::from_str(&text).unwrap();
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let group = self.process.id().and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group.and_then(rustix::process::Pid::from_raw) {
            let _gone = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

/// One tab of it.
pub(crate) struct Tab<'a> {
    browser: &'a mut Browser,
    target: Value,
    session: String,
}

impl Tab<'_> {
    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.browser.call(&self.session, method, parameters).await
    }

    /// A window of this width, for somebody who likes it `light` or `dark`.
    pub(crate) async fn window(&mut self, width: u32, scheme: &str) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", metrics).await;
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.call("Emulation.setEmulatedMedia", features).await;
    }

    /// Opens a file and waits until it is there.
    pub(crate) async fn open(&mut self, file: &Path) {
        let address = format!("file://{}", file.display());
        self.call("Page.navigate", json!({"url": address})).await;
        while self.heard("Page.loadEventFired").is_empty() {
            let message = self.browser.message().await;
            self.browser.events.push(message);
        }
    }

    /// What a script answers; `null` without an answer.
    pub(crate) async fn ask(&mut self, script: &str) -> Value {
        let asked = json!({"expression": script, "returnByValue": true, "awaitPromise": true});
        let mut answer = self.call("Runtime.evaluate", asked).await;
        assert!(answer["exceptionDetails"].is_null(), "{answer}");
        answer["result"]["value"].take()
    }

    /// What can be seen, as a PNG in base64; the whole length of it with `whole`.
    pub(crate) async fn picture(&mut self, whole: &str) -> String {
        let whole = whole == "whole";
        let asked = json!({"format": "png", "captureBeyondViewport": whole});
        self.call("Page.captureScreenshot", asked).await["data"].as_str().unwrap().to_owned()
    }

    /// Only the tab in front is drawn, so the next one needs this one gone.
    pub(crate) async fn close(self) {
        self.browser.call("", "Target.closeTarget", json!({"targetId": self.target})).await;
    }

    /// Events of a method so far, of this tab.
    pub(crate) fn heard(&self, method: &str) -> Vec<&Value> {
        let events = self.browser.events.iter();
        let own = events.filter(|event| event["sessionId"] == self.session.as_str());
        own.filter(|event| event["method"] == method).collect()
    }
}
