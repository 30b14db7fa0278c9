//! Reading and writing `_prisma_migrations`, always by its qualified name: a script may leave any
//! `search_path` behind.

use crate::error::{Error, Fault, Kind};
use crate::interrupt::Interrupt;
use crate::lock;
use crate::progress::Sink;
use crate::quote;
use crate::row;
use crate::session::Session;
use crate::waiting::{despite_limits, patiently};
use migrations::Row;
use tokio_postgres::types::Type;

const TABLE: &str = "_prisma_migrations";

/// What a run is doing that has to wait for the table.
pub(crate) const READING: &str = "reading the history";

/// The history's table.
#[derive(Debug)]
pub(crate) struct History {
    schema: String,
    table: String,
    exists: bool,
}

/// What proves that a finished mark belongs to the attempt that sets it.
pub(crate) struct Fence<'a> {
    /// The attempt's row.
    pub(crate) id: &'a str,
    /// The transaction that ran the script, where it could have ended unseen.
    pub(crate) transaction: Option<i64>,
    /// The advisory keys that our backend must still hold.
    pub(crate) keys: &'a [i64],
}

impl History {
    /// The schema that holds the table.
    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    /// The table's qualified name, as SQL has it.
    pub(crate) fn table(&self) -> &str {
        &self.table
    }

    /// Whether an attempt's row is there.
    pub(crate) async fn has(&self, session: &Session, id: &str) -> Result<bool, Fault> {
        let sql = format!("SELECT EXISTS (SELECT FROM {} WHERE id = $1)", self.table);
        session.one(&sql, &[(&id, Type::TEXT)]).await?.get(0)
    }

    /// Whether the table is there.
    pub(crate) fn exists(&self) -> bool {
        self.exists
    }

    /// Finds the table: in `?schema=`, else wherever the role's `search_path` shows it, else where
    /// an unqualified CREATE TABLE would put it.
    pub(crate) async fn locate(session: &Session) -> Result<Self, Error> {
        let settings = session.settings();
        let schema: Option<String> = match &settings.schema {
            Some(schema) => Some(schema.clone()),
            None => session
                .one(
                    "SELECT COALESCE((SELECT n.nspname FROM pg_catalog.pg_class c \
                       JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                       WHERE c.oid = pg_catalog.to_regclass('_prisma_migrations')), pg_catalog.current_schema())::text",
                    &[],
                )
                .await?
                .get(0)?,
        };
        let Some(schema) = schema else {
            return Err(Error::new(
                Kind::Configuration,
                "the role's search_path names no schema that exists",
            )
            .hint("name one: ?schema=NAME in a URL, or PGOPTIONS=-csearch_path=NAME"));
        };
        let table = format!("{}.{}", quote::identifier(&schema), quote::identifier(TABLE));
        let row = session
            .one(
                "SELECT t.oid IS NOT NULL, COALESCE(pg_catalog.row_security_active(t.oid), false), current_user::text \
                 FROM (SELECT pg_catalog.to_regclass($1)::oid AS oid) AS t",
                &[(&table, Type::TEXT)],
            )
            .await?;
        if row.get(1)? {
            let role: String = row.get(2)?;
            return Err(Error::new(
                Kind::AccessDenied,
                format!("row security hides rows of {table} from `{role}`, so what is applied cannot be known"),
            )
            .hint(format!("run as the table's owner, or: ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")));
        }
        let history = Self { schema, table, exists: row.get(0)? };
        if !history.exists && settings.schema.is_none() {
            history.refuse_second(session).await?;
        }
        Ok(history)
    }

    /// Where nobody named the schema that is meant, a history is not begun beside another one: the
    /// search path leads elsewhere than it did, and everything would be applied again.
    async fn refuse_second(&self, session: &Session) -> Result<(), Error> {
        let rows = session
            .query(
                "SELECT n.nspname::text FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relname = '_prisma_migrations' AND c.relkind IN ('r', 'p') \
                 AND n.nspname <> $1 AND n.nspname !~ '^pg_' ORDER BY 1",
                &[(&self.schema, Type::TEXT)],
            )
            .await?;
        let names: Vec<String> = row::column(&rows, 0)?;
        let others: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let Some(first) = others.first().map(|first| first.trim_matches('`')) else {
            return Ok(());
        };
        Err(Error::new(
            Kind::HistoryDiffers,
            format!(
                "the search path leads to the schema `{}`, which has no history, but the schema {} has one",
                self.schema,
                others.join(" and the schema ")
            ),
        )
        .hint(format!(
            "name the schema that is meant: ?schema={first} in DATABASE_URL, or --schema {first}; or --schema {} to begin a second history",
            self.schema
        )))
    }

    /// Creates the table as Prisma creates it, if the schema is empty.
    pub(crate) async fn ensure(&mut self, session: &Session) -> Result<(), Error> {
        if self.exists {
            return Ok(());
        }
        let row = session
            .one(
                "SELECT pg_catalog.to_regnamespace($1) IS NOT NULL",
                &[(&quote::identifier(&self.schema), Type::TEXT)],
            )
            .await?;
        if !row.get::<bool>(0)? {
            session
                .run(&format!("CREATE SCHEMA IF NOT EXISTS {}", quote::identifier(&self.schema)))
                .await?;
        }
        self.refuse_strangers(session).await?;
        self.create(session).await
    }

    /// A schema that somebody else uses already.
    pub(crate) async fn refuse_strangers(&self, session: &Session) -> Result<(), Error> {
        self.refuse_prisma_8(session).await?;
        if let Some(table) = self.foreign_table(session).await? {
            return Err(Error::new(
                Kind::HistoryDiffers,
                format!("the schema `{}` has tables, such as `{table}`, but no history", self.schema),
            )
            .hint("is this the right database? if it is, `resolve --baseline NAME` compares it and records what it already has")
            .prisma("P3005"));
        }
        Ok(())
    }

    /// Creates the table, whatever else the schema holds.
    pub(crate) async fn create(&mut self, session: &Session) -> Result<(), Error> {
        if self.exists {
            return Ok(());
        }
        session
            .run(&format!(
                "CREATE TABLE {} (\n\
                 id VARCHAR(36) PRIMARY KEY NOT NULL,\n\
                 checksum VARCHAR(64) NOT NULL,\n\
                 finished_at TIMESTAMPTZ,\n\
                 migration_name VARCHAR(255) NOT NULL,\n\
                 logs TEXT,\n\
                 rolled_back_at TIMESTAMPTZ,\n\
                 started_at TIMESTAMPTZ NOT NULL DEFAULT now(),\n\
                 applied_steps_count INTEGER NOT NULL DEFAULT 0\n)",
                self.table
            ))
            .await?;
        self.exists = true;
        Ok(())
    }

    /// Prisma 8 keeps its state in a schema of its own and another format on disk.
    async fn refuse_prisma_8(&self, session: &Session) -> Result<(), Error> {
        let row = session
            .one("SELECT pg_catalog.to_regnamespace('prisma_contract') IS NOT NULL", &[])
            .await?;
        if row.get(0)? {
            return Err(Error::new(
                Kind::HistoryDiffers,
                "this database is managed by Prisma 8 (schema `prisma_contract`)",
            )
            .hint(
                "this runner reads the migrations of Prisma up to 7; is this the right database?",
            ));
        }
        Ok(())
    }

    /// A table that makes the schema "not empty" for Prisma: ordinary ones, PostGIS' own excepted.
    async fn foreign_table(&self, session: &Session) -> Result<Option<String>, Error> {
        let rows = session
            .query(
                "SELECT c.relname::text FROM pg_catalog.pg_class c \
                 JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
                 WHERE c.relkind = 'r' AND n.nspname = $1 AND pg_catalog.lower(c.relname) NOT IN \
                 ('spatial_ref_sys', 'geometry_columns', 'geography_columns', 'raster_columns', 'raster_overviews') \
                 ORDER BY 1 LIMIT 1",
                &[(&self.schema, Type::TEXT)],
            )
            .await?;
        Ok(row::first(&rows, 0)?)
    }

    /// [`Self::rows`], for as long as somebody else may lock the table.
    pub(crate) async fn rows_patiently(
        &self,
        session: &Session,
        (sink, interrupt): (&mut dyn Sink, &mut Interrupt),
    ) -> Result<Vec<Row>, Error> {
        let reading = despite_limits(async || self.rows(session).await);
        patiently((session, READING), (sink, interrupt), reading).await
    }

    /// Every row in the order of its start.
    pub(crate) async fn rows(&self, session: &Session) -> Result<Vec<Row>, Error> {
        if !self.exists {
            return Ok(Vec::new());
        }
        let utc = |column: &str| {
            format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')")
        };
        let sql = format!(
            "SELECT id::text, migration_name::text, checksum::text, {}, {}, {}, logs FROM {} ORDER BY started_at, id",
            utc("started_at"),
            utc("finished_at"),
            utc("rolled_back_at"),
            self.table
        );
        let rows = session.query(&sql, &[]).await?;
        rows.iter().map(|row| self.read(row)).collect()
    }

    /// A row of the table. One that was copied without its constraints may have NULL anywhere.
    fn read(&self, row: &row::Row) -> Result<Row, Error> {
        let needed = |column, name: &str| {
            row.get::<Option<String>>(column)?.ok_or_else(|| {
                Error::new(
                    Kind::HistoryDiffers,
                    format!("a row of {} has no {name}, which every row of a history has", self.table),
                )
                .hint("was the table copied without its constraints? look at it, and fill in the row or delete it")
            })
        };
        Ok(Row {
            name: needed(1, "migration_name")?,
            id: needed(0, "id")?,
            checksum: needed(2, "checksum")?,
            started_at: needed(3, "started_at")?,
            finished_at: row.get(4)?,
            rolled_back_at: row.get(5)?,
            logs: row.get(6)?,
        })
    }

    /// What makes the row of a new attempt, which is to be committed before its script runs.
    pub(crate) fn starting(&self, id: &str, (name, checksum): (&str, &str), logs: &str) -> String {
        format!(
            "INSERT INTO {} (id, checksum, started_at, migration_name, logs) \
             VALUES ({}, {}, pg_catalog.clock_timestamp(), {}, {})",
            self.table,
            quote::literal(id),
            quote::literal(checksum),
            quote::literal(name),
            quote::literal(logs)
        )
    }

    /// What marks the attempt as finished inside the transaction that ran its script, and takes the
    /// marker out. It touches no row if that transaction is over or the lock is not ours any more.
    pub(crate) fn finishing(&self, fence: &Fence<'_>, checksum: &str) -> String {
        let within = match fence.transaction {
            Some(transaction) => format!("pg_catalog.txid_current() = {transaction} AND "),
            None => String::new(),
        };
        format!(
            "UPDATE {} SET finished_at = pg_catalog.clock_timestamp(), applied_steps_count = 1, logs = NULL, checksum = {} \
             WHERE id = {} AND finished_at IS NULL AND {within}{}",
            self.table,
            quote::literal(checksum),
            quote::literal(fence.id),
            lock::fence(fence.keys)
        )
    }

    /// Records a migration as applied without running it, as `prisma migrate resolve --applied`
    /// does: no steps, empty logs, and one instant for its start and its end.
    pub(crate) async fn record(
        &self,
        session: &Session,
        (name, checksum): (&str, &str),
    ) -> Result<(), Fault> {
        let id = uuid::Uuid::new_v4().to_string();
        let sql = format!(
            "INSERT INTO {} (id, checksum, started_at, finished_at, migration_name, logs) \
             SELECT $1, $2, at, at, $3, '' FROM pg_catalog.clock_timestamp() AS at",
            self.table
        );
        session
            .execute(&sql, &[(&id, Type::TEXT), (&checksum, Type::TEXT), (&name, Type::TEXT)])
            .await
            .map(|_touched| ())
    }

    /// Marks every failed attempt at a migration as rolled back; what it logged stays.
    pub(crate) async fn give_up(&self, session: &Session, name: &str) -> Result<(), Fault> {
        let sql = format!(
            "UPDATE {} SET rolled_back_at = pg_catalog.clock_timestamp() \
             WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
            self.table
        );
        session.execute(&sql, &[(&name, Type::TEXT)]).await.map(|_touched| ())
    }

    /// Records that nothing of an attempt is left. Prisma accepts such a row and tries again.
    pub(crate) async fn roll_back(
        &self,
        session: &Session,
        id: &str,
        logs: &str,
    ) -> Result<(), Fault> {
        let sql = format!(
            "UPDATE {} SET rolled_back_at = pg_catalog.clock_timestamp(), logs = $2 \
             WHERE id = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
            self.table
        );
        session.execute(&sql, &[(&id, Type::TEXT), (&logs, Type::TEXT)]).await.map(|_touched| ())
    }

    /// Writes what is known of an attempt that is still unfinished.
    pub(crate) async fn note(&self, session: &Session, id: &str, logs: &str) -> Result<(), Fault> {
        session.run(&self.noting(id, logs)).await
    }

    /// The statement that does.
    pub(crate) fn noting(&self, id: &str, logs: &str) -> String {
        format!(
            "UPDATE {} SET logs = {} WHERE id = {} AND finished_at IS NULL",
            self.table,
            quote::literal(logs),
            quote::literal(id)
        )
    }
}
