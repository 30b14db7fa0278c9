//! The binary: `ecs-migrate-sandbox up`.

mod arguments;
mod output;
mod run;

pub(crate) use self::run::run;
