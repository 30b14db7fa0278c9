//! Owns one attempt at a connection: every address of the host, one after the other.

use crate::error::Error;
use crate::login::Login;
use crate::refusal::{self, Refusal, Remedy};
use crate::session::{Reached, Session};
use crate::settings::{ChannelBinding, ConnectionSettings};
use crate::tls;
use crate::transport::{Negotiate, Place};
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{self, SslMode, SslNegotiation};

/// Opens a session and prepares it, with another login if the first one is refused.
pub(crate) async fn connect(settings: &ConnectionSettings) -> Result<Session, Error> {
    let login = settings.login(None).await?;
    match attempt(settings, &login).await {
        Err(Refusal { remedy: Remedy::Login, error }) => {
            let another = settings.login(Some(&login)).await?;
            if another == login {
                return Err(error);
            }
            attempt(settings, &another).await.map_err(|refusal| refusal.error)
        }
        opened => opened.map_err(|refusal| refusal.error),
    }
}

/// Opens a session with this login. The host's name is resolved each time: after a failover it
/// names another address.
pub(crate) async fn attempt(
    settings: &ConnectionSettings,
    login: &Login,
) -> Result<Session, Refusal> {
    let tls = Negotiate::new(settings, tls::connector(settings)?);
    if settings.host.starts_with('/') {
        let place = Place::socket(&settings.host, settings.port);
        return Box::pin(one(settings, login, Reached { place, tls })).await;
    }
    let mut last = None;
    for address in addresses(settings).await? {
        let place = Place::Tcp(address, settings.port);
        // Boxed: a TLS handshake is large, and everything above would carry room for it.
        match Box::pin(one(settings, login, Reached { place, tls: tls.clone() })).await {
            // Whoever answers speaks for the host; silence does not.
            Err(refusal) if refusal.error.prisma_code == Some("P1001") => last = Some(refusal),
            answered => return answered,
        }
    }
    Err(last.unwrap_or_else(|| refusal::unresolved(settings, "its name has no address")))
}

async fn addresses(settings: &ConnectionSettings) -> Result<Vec<IpAddr>, Refusal> {
    let looking = tokio::net::lookup_host((settings.host.as_str(), settings.port));
    match within(settings.connect_timeout, looking).await {
        Some(Ok(found)) => Ok(found.map(|address| address.ip()).collect()),
        Some(Err(error)) => Err(refusal::unresolved(settings, &error.to_string())),
        None => Err(silent(settings)),
    }
}

async fn one(
    settings: &ConnectionSettings,
    login: &Login,
    reached: Reached,
) -> Result<Session, Refusal> {
    let opening = async {
        let raw = reached.place.open().await.map_err(|error| {
            refusal::unreachable(settings, &format!("error connecting to server: {error}"))
        })?;
        let (client, connection) = config(settings, login)
            .connect_raw(raw, reached.tls.clone())
            .await
            .map_err(|error| refusal::of(settings, &login.user, &error))?;
        // A server that is about to go may refuse even the first statement.
        let opened = (client, connection, reached);
        Session::start(opened, settings, login.password.as_ref()).await.map_err(|error| {
            let remedy = refusal::remedy(error.sqlstate.as_deref().unwrap_or("08006"));
            Refusal { error, remedy }
        })
    };
    within(settings.connect_timeout, opening).await.unwrap_or_else(|| Err(silent(settings)))
}

fn silent(settings: &ConnectionSettings) -> Refusal {
    let seconds = settings.connect_timeout.unwrap_or_default().as_secs();
    refusal::unreachable(settings, &format!("no answer within {seconds} s"))
}

async fn within<W: Future>(limit: Option<Duration>, work: W) -> Option<W::Output> {
    match limit {
        Some(limit) => tokio::time::timeout(limit, work).await.ok(),
        None => Some(work.await),
    }
}

fn config(settings: &ConnectionSettings, login: &Login) -> Config {
    let mut config = Config::new();
    config
        .user(&login.user)
        .dbname(&settings.database)
        .application_name(&settings.application_name)
        // Both say: ask nothing of the server, and take what `Negotiate` makes of the connection.
        .ssl_mode(SslMode::Require)
        .ssl_negotiation(SslNegotiation::Direct)
        .channel_binding(match settings.channel_binding {
            ChannelBinding::Disable => config::ChannelBinding::Disable,
            ChannelBinding::Prefer => config::ChannelBinding::Prefer,
            ChannelBinding::Require => config::ChannelBinding::Require,
        });
    if let Some(password) = &login.password {
        config.password(password.expose());
    }
    if let Some(options) = &settings.options {
        config.options(options);
    }
    config
}
