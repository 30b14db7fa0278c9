//! Owns one attempt at a connection: every address of the host, one after the other.

use crate::error::Error;
use crate::login::Login;
use crate::refusal::{self, Refusal, Remedy};
use crate::session::Session;
use crate::settings::{ChannelBinding, ConnectionSettings, TlsMode};
use crate::tls::{self, Tls};
use std::net::IpAddr;
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{self, SslMode};

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
const UNANSWERED: Duration = Duration::from_secs(35);

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
    let tls = tls::connector(settings)?;
    let config = config(settings, login);
    if settings.host.starts_with('/') {
        return Box::pin(one(settings, login, (&config, tls))).await;
    }
    let mut last = None;
    for address in addresses(settings).await? {
        let mut config = config.clone();
        config.hostaddr(address);
        // Boxed: a TLS handshake is large, and everything above would carry room for it.
        match Box::pin(one(settings, login, (&config, tls.clone()))).await {
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
    (config, tls): (&Config, Tls),
) -> Result<Session, Refusal> {
    let opening = async {
        let (client, connection) = config
            .connect(tls.clone())
            .await
            .map_err(|error| refusal::of(settings, &login.user, &error))?;
        // A server that is about to go may refuse even the first statement.
        Session::start(client, connection, tls, settings).await.map_err(|error| {
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
        .host(&settings.host)
        .port(settings.port)
        .user(&login.user)
        .dbname(&settings.database)
        .application_name(&settings.application_name)
        .ssl_mode(match settings.tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .channel_binding(match settings.channel_binding {
            ChannelBinding::Disable => config::ChannelBinding::Disable,
            ChannelBinding::Prefer => config::ChannelBinding::Prefer,
            ChannelBinding::Require => config::ChannelBinding::Require,
        })
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES)
        .tcp_user_timeout(UNANSWERED);
    if let Some(password) = &login.password {
        config.password(password.expose());
    }
    if let Some(options) = &settings.options {
        config.options(options);
    }
    config
}
