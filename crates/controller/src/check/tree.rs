//! Owns where a directory of migrations was in a commit, and the scripts that it had there.

use crate::changes::{Git, Origin, bases};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// The file of a migration.
pub(super) const SCRIPT: &str = "migration.sql";

/// Modes of tree entries (git-fast-import, "filemodify").
const LINK: &str = "120000";
const SUBMODULE: &str = "160000";

/// A directory in a commit.
#[derive(Debug, Clone)]
struct Tree {
    git: Git,
    commit: String,
    /// From the top of the repository, with a `/` behind it; empty for the top itself.
    prefix: String,
}

/// What a commit had of the migrations.
#[derive(Debug, Clone, Default)]
pub(super) struct Then {
    pub(super) commit: String,
    /// Scripts by the migration's name.
    pub(super) scripts: BTreeMap<String, Vec<u8>>,
}

/// A repository around the directory, and the way from its top.
struct Around {
    git: Git,
    prefix: String,
}

/// What each commit that counts had of the migrations; or why nobody can know.
pub(super) async fn then(directory: &Path, origin: &Origin) -> Result<Vec<Then>, String> {
    // A link to the directory is not where git has it.
    let directory = directory
        .canonicalize()
        .map_err(|cause| format!("{} cannot be read: {cause}", directory.display()))?;
    let repositories = around(&directory).await?;
    let Some(outermost) = repositories.last() else {
        return Err("it is in no repository".to_owned());
    };
    // GitHub's event speaks of the repository that has the others as submodules.
    let head = outermost.git.commit("HEAD").await?;
    descend(&repositories, &head).await?.refuse_submodule().await?;
    let mut found = Vec::new();
    for commit in bases(&outermost.git, origin, &head).await? {
        let scripts = descend(&repositories, &commit).await?.scripts(&directory).await?;
        found.push(Then { commit, scripts });
    }
    Ok(found)
}

/// The repository of the directory, then the one that has it as a submodule, and so on.
async fn around(directory: &Path) -> Result<Vec<Around>, String> {
    let mut found = Vec::new();
    let mut folder = directory.to_owned();
    let mut below = String::new();
    loop {
        let git = Git::at(&folder);
        let line = async |asked: &str| {
            let text = git.ask(&["rev-parse", asked]).await?;
            Ok::<String, String>(text.strip_suffix('\n').unwrap_or(&text).to_owned())
        };
        let top = PathBuf::from(line("--show-toplevel").await?);
        let prefix = if below.is_empty() { line("--show-prefix").await? } else { below };
        let outer = line("--show-superproject-working-tree").await?;
        found.push(Around { git: Git::at(&top), prefix });
        if outer.is_empty() {
            return Ok(found);
        }
        let way = top
            .strip_prefix(&outer)
            .map_err(|_| format!("the submodule {} is not inside of {outer}", top.display()))?;
        below = format!("{}/", way.display());
        folder = PathBuf::from(outer);
    }
}

/// From a commit of the outermost repository to the directory's tree, through the submodules as they
/// were then. None where there was nothing at its place.
async fn descend(repositories: &[Around], commit: &str) -> Result<Tree, String> {
    let mut commit = commit.to_owned();
    let mut outer: Option<&Around> = None;
    for repository in repositories.iter().rev() {
        if let Some(outer) = outer {
            let path = outer.prefix.trim_end_matches('/');
            let asked = ["ls-tree", "-z", "--full-tree", &commit, "--", path];
            let entry = outer.git.ask(&asked).await?;
            let mut fields = entry.split(['\0', ' ', '\t']);
            match (fields.next(), fields.nth(1)) {
                (Some(SUBMODULE), Some(inner)) => {
                    commit = repository.git.commit_from_anywhere(inner).await?;
                }
                _ => {
                    let prefix = format!("{}{}", outer.prefix, inner_prefix(repositories, outer));
                    return Ok(Tree { git: outer.git.clone(), commit, prefix });
                }
            }
        }
        outer = Some(repository);
    }
    let last = outer.ok_or("it is in no repository")?;
    Ok(Tree { git: last.git.clone(), commit, prefix: last.prefix.clone() })
}

/// The way from a submodule's top to the directory.
fn inner_prefix(repositories: &[Around], outer: &Around) -> String {
    let inside = repositories.iter().take_while(|around| !std::ptr::eq(*around, outer));
    let mut steps: Vec<&str> = inside.map(|around| around.prefix.as_str()).collect();
    steps.reverse();
    steps.concat()
}

/// A script in a tree: its object, or the way to it where it is a link.
struct Entry {
    name: String,
    mode: String,
    object: String,
    /// From the top of the repository.
    path: String,
}

impl Tree {
    /// The scripts by their names: where the directory is now, or where it was before it was moved.
    async fn scripts(&self, directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
        let here = entries(&self.list(&self.prefix).await?, &self.prefix);
        let entries = if here.is_empty() {
            self.refuse_submodule().await?;
            self.moved(directory).await?
        } else {
            here
        };
        let (links, files): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| entry.mode == LINK);
        let objects: Vec<String> = files.iter().map(|entry| entry.object.clone()).collect();
        let contents = self.git.blobs(&objects).await?;
        let mut scripts: BTreeMap<String, Vec<u8>> =
            files.into_iter().map(|entry| entry.name).zip(contents).collect();
        for link in links {
            let content = self.follow(&link).await?;
            scripts.insert(link.name, content);
        }
        Ok(scripts)
    }

    /// A submodule whose files are not here, or are no longer one's, cannot be looked into.
    async fn refuse_submodule(&self) -> Result<(), String> {
        let steps = self.prefix.match_indices('/').filter_map(|(end, _)| self.prefix.get(..end));
        let steps: Vec<&str> = steps.collect();
        if steps.is_empty() {
            return Ok(());
        }
        let asked = ["ls-tree", "-z", "--full-tree", &self.commit, "--"];
        let listed = self.git.ask(&[&asked[..], &steps].concat()).await?;
        match submodules(&listed).next() {
            None => Ok(()),
            Some(path) => Err(format!("{path} is a submodule that is not checked out")),
        }
    }

    /// `MODE SP TYPE SP OID TAB PATH` for everything below a folder (git-ls-tree).
    async fn list(&self, prefix: &str) -> Result<String, String> {
        let asked = ["ls-tree", "-r", "-z", "--full-tree", &self.commit];
        let below = ["--", prefix.trim_end_matches('/')];
        let asked = if prefix.is_empty() { asked.to_vec() } else { [&asked[..], &below].concat() };
        self.git.ask(&asked).await
    }

    /// Where git had the migrations that are now here, if they are no longer there.
    async fn moved(&self, directory: &Path) -> Result<Vec<Entry>, String> {
        let whole = self.list("").await?;
        let script = |name: &str| directory.join(name).join(SCRIPT).is_file();
        let mut places: BTreeMap<&str, bool> = BTreeMap::new();
        for (_, path) in whole.split('\0').filter_map(|line| line.split_once('\t')) {
            let Some((place, name)) = place(path) else { continue };
            let shares = !name.starts_with('.') && script(name);
            *places.entry(place).or_default() |= shares;
        }
        let places: BTreeSet<&str> =
            places.into_iter().filter_map(|(place, shares)| shares.then_some(place)).collect();
        // One that is there still was copied: what is here is new.
        let gone: Vec<&str> = places
            .into_iter()
            .filter(|place| entries(&whole, place).iter().all(|entry| !self.is_here(&entry.path)))
            .collect();
        match gone.as_slice() {
            [] => self.refuse_gone_submodule(&whole).await.map(|()| Vec::new()),
            [one] => Ok(entries(&whole, one)),
            several => Err(format!(
                "the migrations were moved here, and nobody can know from where: {}",
                several.join(", ")
            )),
        }
    }

    /// What is nowhere else may have been in a submodule that is none any more.
    async fn refuse_gone_submodule(&self, then: &str) -> Result<(), String> {
        let now = self.git.ask(&["ls-tree", "-r", "-z", "--full-tree", "HEAD"]).await?;
        let now: BTreeSet<&str> = submodules(&now).collect();
        match submodules(then).find(|path| !now.contains(path)) {
            None => Ok(()),
            Some(path) => {
                Err(format!("the migrations may have been in the submodule {path}, which is gone"))
            }
        }
    }

    fn is_here(&self, path: &str) -> bool {
        self.git.folder.join(path).exists()
    }

    /// What a link stands for in the commit.
    async fn follow(&self, link: &Entry) -> Result<Vec<u8>, String> {
        let unknown = || format!("{} is a link, and git does not have what it leads to", link.path);
        let target = self.git.blobs(std::slice::from_ref(&link.object)).await?.concat();
        let target = String::from_utf8(target).map_err(|_| unknown())?;
        let mut way: Vec<&str> = link.path.split('/').collect();
        way.pop();
        for step in target.split('/') {
            match step {
                "" | "." => {}
                ".." => {
                    way.pop().ok_or_else(unknown)?;
                }
                name => way.push(name),
            }
        }
        let object = format!("{}:{}", self.commit, way.join("/"));
        let asked = ["rev-parse", "--verify", "--quiet", "--end-of-options", &object];
        let object = self.git.ask(&asked).await.map_err(|_| unknown())?;
        Ok(self.git.blobs(&[object.trim().to_owned()]).await?.concat())
    }
}

/// The scripts of a folder among what git lists.
fn entries(listed: &str, prefix: &str) -> Vec<Entry> {
    let entry = |line: &str| {
        let (fields, path) = line.split_once('\t')?;
        let (folder, name) = place(path)?;
        let mut fields = fields.split(' ');
        let (mode, object) = (fields.next()?, fields.nth(1)?);
        (folder == prefix && !name.starts_with('.')).then(|| Entry {
            name: name.to_owned(),
            mode: mode.to_owned(),
            object: object.to_owned(),
            path: path.to_owned(),
        })
    };
    listed.split('\0').filter_map(entry).collect()
}

/// The paths of the submodules among what git lists.
fn submodules(listed: &str) -> impl Iterator<Item = &str> {
    let entries = listed.split('\0').filter(|line| line.starts_with(SUBMODULE));
    entries.filter_map(|line| line.split_once('\t')).map(|(_, path)| path)
}

/// `FOLDER/` and `NAME` of `FOLDER/NAME/migration.sql`.
fn place(path: &str) -> Option<(&str, &str)> {
    let directory = path.strip_suffix(SCRIPT)?.strip_suffix('/')?;
    let start = directory.rfind('/').map_or(0, |slash| slash + 1);
    Some((directory.get(..start)?, directory.get(start..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_has_its_folder_and_its_name() {
        assert_eq!(
            place("prisma/migrations/1_a/migration.sql"),
            Some(("prisma/migrations/", "1_a"))
        );
        assert_eq!(place("1_a/migration.sql"), Some(("", "1_a")));
        assert_eq!(place("migration.sql"), None);
        assert_eq!(place("1_a/other.sql"), None);
        assert_eq!(place("1_a/xmigration.sql"), None);
    }
}
