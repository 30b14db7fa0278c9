//! Owns a scratch database beside another one, for as long as it is needed.

use crate::connect::connect;
use crate::error::Error;
use crate::quote;
use crate::settings::ConnectionSettings;

/// A database that nobody else uses.
#[derive(Debug)]
pub struct Scratch {
    /// How to reach it.
    pub settings: ConnectionSettings,
    beside: ConnectionSettings,
}

impl Scratch {
    /// Makes one on the server of `beside`.
    pub async fn create(beside: &ConnectionSettings) -> Result<Self, Error> {
        let name = format!("ecs_migrate_scratch_{}", uuid::Uuid::new_v4().simple());
        let session = connect(beside).await?;
        let made = session.run(&format!("CREATE DATABASE {}", quote::identifier(&name))).await;
        session.close().await;
        made.map_err(|fault| {
            let error = Error::from(fault);
            Error {
                message: format!("cannot make a scratch database: {}", error.message),
                hint: Some("let the owner run ALTER ROLE … CREATEDB".to_owned()),
                ..error
            }
        })?;
        let settings = ConnectionSettings { database: name, ..beside.clone() };
        Ok(Self { settings, beside: beside.clone() })
    }

    /// Drops it.
    pub async fn remove(self) -> Result<(), Error> {
        let session = connect(&self.beside).await?;
        let name = quote::identifier(&self.settings.database);
        let dropped = session.run(&format!("DROP DATABASE IF EXISTS {name}")).await;
        session.close().await;
        Ok(dropped?)
    }
}
