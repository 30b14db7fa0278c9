//! Opening a connection, and why it cannot be opened.

use crate::error::{Error, Kind, chain};
use crate::session::Session;
use crate::settings::{ConnectionSettings, TlsMode};
use crate::tls;
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;
use tokio_postgres::error::DbError;

/// Opens a session and prepares it.
pub(crate) async fn connect(settings: &ConnectionSettings) -> Result<Session, Error> {
    let tls = tls::connector(settings)?;
    let config = config(settings);
    let opening = config.connect(tls.clone());
    let opened = match settings.connect_timeout {
        Some(limit) => match tokio::time::timeout(limit, opening).await {
            Ok(opened) => opened,
            Err(_) => {
                return Err(unreachable(
                    settings,
                    &format!("no answer within {} s", limit.as_secs()),
                ));
            }
        },
        None => opening.await,
    };
    let (client, connection) = opened.map_err(|error| refused(settings, &error))?;
    Session::start(client, connection, tls, settings).await
}

fn config(settings: &ConnectionSettings) -> Config {
    let mut config = Config::new();
    config
        .host(&settings.host)
        .port(settings.port)
        .user(&settings.user)
        .dbname(&settings.database)
        .application_name(&settings.application_name)
        .ssl_mode(match settings.tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        // A primary that vanishes in a failover answers neither FIN nor RST: without these the
        // client would wait for the kernel's default of two hours.
        .keepalives_idle(std::time::Duration::from_secs(20))
        .keepalives_interval(std::time::Duration::from_secs(5))
        .keepalives_retries(3)
        .tcp_user_timeout(std::time::Duration::from_mins(1));
    if let Some(password) = &settings.password {
        config.password(password.expose());
    }
    if let Some(options) = &settings.options {
        config.options(options);
    }
    config
}

fn unreachable(settings: &ConnectionSettings, cause: &str) -> Error {
    let ConnectionSettings { host, port, .. } = settings;
    let hint = match host.as_str() {
        "localhost" | "127.0.0.1" | "::1" => "is the database, or the port forward to it, up?",
        _ => {
            "check host and port, that the database is running, and that its security group lets this task in"
        }
    };
    Error::new(Kind::Unreachable, format!("cannot reach the database at {host}:{port}: {cause}"))
        .hint(hint)
        .prisma("P1001")
}

fn refused(settings: &ConnectionSettings, error: &tokio_postgres::Error) -> Error {
    match error.as_db_error() {
        Some(db) => refused_by_server(settings, db),
        None if chain(error).contains("password missing") => Error::new(
            Kind::AccessDenied,
            format!("the server wants a password for `{}`, and none is set", settings.user),
        )
        .hint("put it into DATABASE_URL, PGPASSWORD or the secret")
        .prisma("P1000"),
        None if chain(error).contains("certificate") => {
            let ConnectionSettings { host, port, .. } = settings;
            Error::new(Kind::Unreachable, format!("the certificate of {host}:{port} is not accepted: {}", chain(error)))
                .hint("name its roots with sslrootcert (for RDS: the RDS bundle), and connect by the name that it is for")
                .prisma("P1011")
        }
        None => unreachable(settings, &chain(error)),
    }
}

fn refused_by_server(settings: &ConnectionSettings, db: &DbError) -> Error {
    let ConnectionSettings { host, port, user, database, .. } = settings;
    let code = db.code().code();
    let error = match code {
        "28P01" => Error::new(
            Kind::AccessDenied,
            format!("the server at {host}:{port} refused the password of `{user}`"),
        )
        .hint("check the password; in a URL the characters # / ? % @ : must be percent-encoded")
        .prisma("P1000"),
        "28000" if db.message().contains("no encryption") || db.message().contains("SSL off") => {
            Error::new(
                Kind::AccessDenied,
                format!("the server refused the connection: {}", db.message()),
            )
            .hint("it wants encryption: use sslmode=require or stricter")
            .prisma("P1010")
        }
        "28000" | "42501" => {
            Error::new(Kind::AccessDenied, format!("the server refused `{user}`: {}", db.message()))
                .hint("check the role and its right to CONNECT")
                .prisma("P1010")
        }
        "3D000" => Error::new(
            Kind::Unreachable,
            format!("there is no database `{database}` at {host}:{port}"),
        )
        .hint("check the name; `--create-database` creates it")
        .prisma("P1003"),
        _ => Error::new(
            Kind::Unreachable,
            format!("the server at {host}:{port} refused the connection: {}", db.message()),
        ),
    };
    Error { sqlstate: Some(code.to_owned()), ..error }
}
