//! Owns what to run: words without a shell, the search in PATH, becoming the program.

use engine::{Error, Kind};
use protocol::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use tokio::process::Command;

/// A program that was found, its arguments, and what changes in its environment.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    /// As it was given; its arguments may hold secrets and are never shown.
    pub(crate) name: String,
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, OsString)>,
}

impl Program {
    /// Finds the program of a command; `search` is PATH. Found before anything is done, so that a
    /// typo costs nothing.
    pub(crate) fn find(words: &[OsString], search: Option<&OsStr>) -> Result<Self, Error> {
        let Some((first, arguments)) = words.split_first().filter(|(first, _)| !first.is_empty())
        else {
            return Err(Error::new(Kind::Configuration, "the command to run is empty")
                .hint("put it after --, e.g. exec -- npx prisma migrate deploy"));
        };
        let name = first.to_string_lossy().into_owned();
        let candidates: Vec<PathBuf> = if first.as_encoded_bytes().contains(&b'/') {
            vec![PathBuf::from(first)]
        } else {
            search
                .map(std::env::split_paths)
                .into_iter()
                .flatten()
                .map(|folder| folder.join(first))
                .collect()
        };
        let Some(path) = candidates.iter().find(|path| executable(path)) else {
            let cause = match candidates.iter().find(|path| path.exists()) {
                Some(path) => format!("`{}` cannot be executed", path.display()),
                None => format!("there is no program `{name}`"),
            };
            return Err(Error::new(Kind::Configuration, cause)
                .hint("is it in the image, and in PATH? there is no shell in between"));
        };
        Ok(Self {
            name,
            path: path.clone(),
            arguments: arguments.to_vec(),
            environment: Vec::new(),
        })
    }

    /// With these variables set; the rest of the environment stays as it is.
    pub(crate) fn with(mut self, variables: &[(&'static str, String)]) -> Self {
        self.environment
            .extend(variables.iter().map(|(name, value)| (*name, OsString::from(value))));
        self
    }

    pub(super) fn command(&self) -> std::process::Command {
        let mut command = Command::new(&self.path).into_std();
        command.arg0(&self.name).args(&self.arguments);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        // It was asked of us, and a runner inside the command would obey it once more.
        command.env_remove(env::COMMAND);
        command
    }

    /// Becomes the program: the same process, its environment and its streams. Returns only if the
    /// system refuses. The kernel resets caught signals, std the signal mask and SIGPIPE, and every
    /// file that we opened closes by itself.
    pub(crate) fn replace_us(&self) -> Error {
        self.refused(&self.command().exec())
    }

    pub(super) fn refused(&self, cause: &std::io::Error) -> Error {
        Error::new(Kind::Configuration, format!("cannot start `{}`: {cause}", self.name))
            .hint("is it a program for this processor, and its interpreter in the image?")
    }
}

fn executable(path: &Path) -> bool {
    path.is_file() && rustix::fs::access(path, rustix::fs::Access::EXEC_OK).is_ok()
}

/// Takes a command line apart by a shell's rules for quoting, without a shell: nothing is expanded.
pub(crate) fn words(line: &str) -> Result<Vec<OsString>, String> {
    let words = shlex::split(line).ok_or("its quotes do not match")?;
    // Without a shell they would be arguments, and half of what was meant would not run.
    if let Some(operator) = words.iter().find(|word| OPERATORS.contains(&word.as_str())) {
        return Err(format!("`{operator}` needs a shell: write sh -c '…'"));
    }
    if words.is_empty() {
        Err("it is empty".to_owned())
    } else {
        Ok(words.into_iter().map(OsString::from).collect())
    }
}

/// A command line as its words say it, the same for the same words.
pub(crate) fn normal(line: &str) -> Result<String, String> {
    let words = words(line)?;
    let words: Vec<_> = words.iter().map(|word| word.to_string_lossy()).collect();
    shlex::try_join(words.iter().map(AsRef::as_ref)).map_err(|error| error.to_string())
}

const OPERATORS: [&str; 9] = ["&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_follow_a_shells_quotes_and_refuse_its_operators() {
        for (line, wanted) in [
            ("npx prisma db seed", vec!["npx", "prisma", "db", "seed"]),
            (
                r#"node -e 'console.log("a b")' x\ y"#,
                vec!["node", "-e", r#"console.log("a b")"#, "x y"],
            ),
            ("echo $HOME '&&'x", vec!["echo", "$HOME", "&&x"]),
        ] {
            assert_eq!(words(line).unwrap(), wanted, "{line}");
            assert_eq!(words(&normal(line).unwrap()).unwrap(), wanted, "{line}");
        }
        assert_eq!(normal(" a   b ").unwrap(), "a b");
        for line in ["", "   ", "echo 'a", "a && b", "a | b", "a > b"] {
            assert!(words(line).is_err(), "{line}");
        }
    }

    #[test]
    fn a_program_is_found_before_it_is_run() {
        let find = |words: &[&str], search: Option<&str>| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            Program::find(&words, search.map(OsStr::new))
        };
        assert!(find(&["sh", "-c", "true"], Some("/nonexistent:/bin")).is_ok());
        assert!(find(&["/bin/sh"], None).is_ok());
        for (words, search, cause) in [
            (vec![], Some("/bin"), "empty"),
            (vec![""], Some("/bin"), "empty"),
            (vec!["sh"], None, "no program `sh`"),
            (vec!["nope"], Some("/bin"), "no program `nope`"),
            (vec!["/etc/passwd"], Some("/bin"), "cannot be executed"),
            (vec!["/etc"], Some("/bin"), "cannot be executed"),
        ] {
            let error = find(&words, search).unwrap_err();
            assert_eq!(error.kind, Kind::Configuration);
            assert!(error.message.contains(cause), "{error}");
        }
    }
}
