//! Owns the parameters of a connection URL: Prisma's, and libpq's where Prisma has none.

use super::said::{Accept, Said, channel_binding, tls_mode};
use super::{port, seconds, wrong};
use engine::{Error, Kind, Secret};

/// Takes one parameter; unknown ones are ignored, as Prisma ignores them.
pub(super) fn take(said: &mut Said, name: &str, value: &str, place: &str) -> Result<(), Error> {
    let named = format!("{name} in {place}");
    let refuse = |what: &str, hint: &str| {
        Err(Error::new(Kind::Configuration, format!("{named}: {what}")).hint(hint))
    };
    let settings = &mut said.settings;
    match name {
        "host" => value.clone_into(&mut settings.host),
        "port" => settings.port = port(value, &named)?,
        "user" if settings.user.is_empty() => value.clone_into(&mut settings.user),
        "password" if settings.password.is_none() => settings.password = Some(Secret::new(value)),
        "schema" if !value.is_empty() => settings.schema = Some(value.to_owned()),
        "application_name" => value.clone_into(&mut settings.application_name),
        "options" => settings.options = Some(value.to_owned()),
        "connect_timeout" => settings.connect_timeout = seconds(value, &named)?,
        "channel_binding" => settings.channel_binding = channel_binding(value, &named)?,
        "sslmode" => said.mode = Some(tls_mode(value, &named)?),
        // Prisma takes whatever it does not know for `strict`.
        "sslaccept" if value == "accept_invalid_certs" => said.accept = Some(Accept::Anything),
        "sslaccept" => said.accept = Some(Accept::Strict),
        "sslrootcert" if !value.is_empty() => said.roots = Some(value.to_owned()),
        "sslcert" if !value.is_empty() => said.certificate = Some(value.into()),
        "sslkey" if !value.is_empty() => said.key = Some(value.into()),
        "sslidentity" | "sslpassword" => {
            return refuse(
                "PKCS#12 files and encrypted keys are not read",
                "turn it into PEM with `openssl pkcs12 -in FILE -nodes -out client.pem`, then sslcert=client.pem&sslkey=client.pem",
            );
        }
        "target_session_attrs" if !matches!(value, "any" | "read-write" | "primary") => {
            return refuse("migrations are written to the primary", "leave it out");
        }
        // For pools of connections, prepared statements and single queries; a run has one
        // connection, and scripts take as long as they take. Prisma refuses what is no number.
        "connection_limit"
        | "pool_timeout"
        | "socket_timeout"
        | "statement_cache_size"
        | "max_connection_lifetime"
        | "max_idle_connection_lifetime" => {
            value.parse::<u64>().map_err(|_| wrong(&named, value, "no number"))?;
        }
        "pgbouncer" if !matches!(value, "true" | "false") => {
            return Err(wrong(&named, value, "neither true nor false"));
        }
        _ => {}
    }
    Ok(())
}
