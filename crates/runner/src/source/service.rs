//! Owns libpq's files: `pg_service.conf`, which names whole connections, and the password file. What
//! they hold is never shown.

use super::said::Said;
use super::{parameters, pg};
use crate::environment::Environment;
use engine::{ConnectionSettings, Error, Kind, Secret};
use protocol::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

/// libpq: a service says what nothing else has said, before the variables do.
pub(super) fn read(name: &str, environment: &Environment) -> Result<Said, Error> {
    let files = service_files(environment);
    for path in &files {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => continue,
            Err(cause) => {
                let message = format!("cannot read the service file `{}`: {cause}", path.display());
                return Err(Error::new(Kind::Configuration, message));
            }
        };
        let place = format!("the service `{name}` in `{}`", path.display());
        if let Some(said) = service(&text, (name, &place), environment)? {
            return Ok(said);
        }
    }
    let looked = files.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>();
    Err(Error::new(
        Kind::Configuration,
        format!(
            "{} is `{name}`, and there is no such service in {}",
            env::PGSERVICE,
            looked.join(" or ")
        ),
    )
    .hint(format!("name the file with {}", env::PGSERVICEFILE)))
}

/// libpq: the user's file, then the system's.
fn service_files(environment: &Environment) -> Vec<PathBuf> {
    let users = environment.get(env::PGSERVICEFILE).map(PathBuf::from).or_else(|| {
        environment.get("HOME").map(|home| PathBuf::from(home).join(".pg_service.conf"))
    });
    let system = environment.get("PGSYSCONFDIR").unwrap_or("/etc/postgresql-common");
    users.into_iter().chain([PathBuf::from(system).join("pg_service.conf")]).collect()
}

/// The service of a name; none, if the text has none.
fn service(
    text: &str,
    (name, place): (&str, &str),
    environment: &Environment,
) -> Result<Option<Said>, Error> {
    let Some(lines) = section(text, name) else { return Ok(None) };
    let mut said = pg::defaults(environment)?;
    let mut database = None;
    for line in lines {
        let Some((key, value)) = line.split_once('=') else {
            // The line could be a password.
            return Err(Error::new(Kind::Configuration, format!("{place} has a line without `=`")));
        };
        let (key, value) = (key.trim(), value.trim());
        let settings = &mut said.settings;
        match key {
            "dbname" => database = Some(value.to_owned()),
            "user" => value.clone_into(&mut settings.user),
            "password" => settings.password = Some(Secret::new(value)),
            "hostaddr" => value.clone_into(&mut settings.host),
            _ => parameters::take(&mut said, key, value, place)?,
        }
    }
    if said.settings.user.is_empty() {
        return Err(Error::new(Kind::Configuration, format!("{place} names no role"))
            .hint("add user=…, or set PGUSER"));
    }
    let settings = &mut said.settings;
    settings.database = database
        .or_else(|| environment.get(env::PGDATABASE).map(str::to_owned))
        .unwrap_or_else(|| settings.user.clone());
    Ok(Some(said))
}

/// The lines below `[name]`.
fn section<'t>(text: &'t str, name: &str) -> Option<Vec<&'t str>> {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let header = format!("[{name}]");
    lines.find(|line| *line == header)?;
    Some(lines.take_while(|line| !line.starts_with('[')).collect())
}

/// The password of a connection that has none, from the password file.
pub(super) fn password(
    settings: &ConnectionSettings,
    environment: &Environment,
) -> Result<Option<Secret>, Error> {
    let named = environment.get(env::PGPASSFILE).map(PathBuf::from);
    let usual = environment.get("HOME").map(|home| PathBuf::from(home).join(".pgpass"));
    let Some(path) = named.clone().or(usual) else { return Ok(None) };
    let unusable = |cause: &str| {
        Error::new(
            Kind::Configuration,
            format!("{} is `{}`, which cannot be used: {cause}", env::PGPASSFILE, path.display()),
        )
    };
    let mode = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => metadata.permissions().mode(),
        Ok(_) if named.is_some() => return Err(unusable("it is no file")),
        Err(cause) if named.is_some() => return Err(unusable(&cause.to_string())),
        Ok(_) | Err(_) => return Ok(None),
    };
    // libpq leaves out, with a warning, what others may read.
    if mode & 0o077 != 0 {
        return match named {
            Some(_) => Err(unusable("others may read it").hint("chmod 0600 makes it yours alone")),
            None => Ok(None),
        };
    }
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(cause) if named.is_some() => return Err(unusable(&cause.to_string())),
        Err(_) => return Ok(None),
    };
    Ok(text.lines().find_map(|line| matching(line, settings)))
}

/// libpq: `host:port:database:role:password`; a backslash keeps a colon, a star is anything.
fn matching(line: &str, settings: &ConnectionSettings) -> Option<Secret> {
    if line.starts_with('#') {
        return None;
    }
    let mut fields = vec![Field::default()];
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == ':' && fields.len() < 5 {
            fields.push(Field::default());
            continue;
        }
        let field = fields.last_mut()?;
        match letter {
            '\\' => {
                field.text.extend(letters.next());
                field.quoted = true;
            }
            letter => field.text.push(letter),
        }
    }
    let [host, port, database, role, password] = fields.as_slice() else { return None };
    let socket = settings.host.starts_with('/');
    let wanted = [
        (port, settings.port.to_string()),
        (database, settings.database.clone()),
        (role, settings.user.clone()),
    ];
    let here = host.is(&settings.host) || (socket && host.is("localhost"));
    (here && wanted.iter().all(|(field, value)| field.is(value)))
        .then(|| Secret::new(password.text.clone()))
}

#[derive(Default)]
struct Field {
    text: String,
    quoted: bool,
}

impl Field {
    fn is(&self, value: &str) -> bool {
        self.text == value || (self.text == "*" && !self.quoted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Environment {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    const FILE: &str = "# ours\n[other]\nhost=elsewhere\n\n[shop]\nhost = db.internal\nport=6432\nuser=u\n\
                        password=p=#1\ndbname=shop db\nsslmode=require\noptions=-c a=b\n[last]\nuser=x\n";

    #[test]
    fn a_service_is_a_whole_connection() {
        let nothing = environment(&[("PGPORT", "1"), ("PGHOST", "not"), ("PGAPPNAME", "app")]);
        let said = service(FILE, ("shop", "it"), &nothing).unwrap().unwrap();
        let settings = said.settings;
        assert_eq!((settings.host.as_str(), settings.port), ("db.internal", 6432));
        assert_eq!((settings.user.as_str(), settings.database.as_str()), ("u", "shop db"));
        assert_eq!(settings.password.unwrap().expose(), "p=#1");
        assert_eq!(settings.options.as_deref(), Some("-c a=b"));
        assert_eq!(settings.application_name, "app");
        // What it leaves out is the variables'.
        let said = service(FILE, ("last", "it"), &nothing).unwrap().unwrap();
        assert_eq!((said.settings.host.as_str(), said.settings.port), ("not", 1));
        assert_eq!(said.settings.database, "x");
        assert!(service(FILE, ("none", "it"), &nothing).unwrap().is_none());
        let error = service(FILE, ("other", "it"), &environment(&[])).unwrap_err();
        assert!(error.message.contains("names no role"), "{error}");
        let error = service("[a]\nhunter2\n", ("a", "it"), &environment(&[])).unwrap_err();
        assert!(!format!("{error:?}").contains("hunter2"));
    }

    #[test]
    fn a_password_is_found_by_its_four_names() {
        let mut settings = Said::default().settings;
        (settings.host, settings.port) = ("db".into(), 5433);
        (settings.user, settings.database) = ("u:1".into(), "shop".into());
        for (line, found) in [
            (r"db:5433:shop:u\:1:p\:w\\1:2", Some(r"p:w\1:2")),
            (r"*:*:*:*:any", Some("any")),
            (r"\*:*:*:*:any", None),
            (r"db:5433:shop:u:no", None),
            (r"db:5432:shop:u\:1:no", None),
            (r"#db:5433:shop:u\:1:no", None),
            ("", None),
        ] {
            let password = matching(line, &settings);
            assert_eq!(password.as_ref().map(Secret::expose), found, "{line}");
        }
        settings.host = "/run/postgresql".into();
        assert!(matching("localhost:*:*:*:p", &settings).is_some());
    }

    #[test]
    fn a_password_file_that_others_may_read_is_no_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        fs::write(&path, "*:*:*:*:hunter2\n").unwrap();
        let settings = Said::default().settings;
        let named = environment(&[("PGPASSFILE", path.to_str().unwrap())]);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let error = password(&settings, &named).unwrap_err();
        assert!(error.message.contains("others may read") && !error.message.contains("hunter2"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(password(&settings, &named).unwrap().unwrap().expose(), "hunter2");
        assert_eq!(password(&settings, &environment(&[])).unwrap(), None);
        let missing = environment(&[("PGPASSFILE", "/nonexistent")]);
        assert!(password(&settings, &missing).is_err());
    }
}
