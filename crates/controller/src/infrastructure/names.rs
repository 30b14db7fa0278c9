//! Owns which names AWS would refuse, found before AWS is asked. PURE.

use crate::error::Error;

/// The kind of a name, with AWS's own rule for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Name {
    /// ECS API, RegisterTaskDefinition.
    Family,
    /// ECS API, CreateCluster and CreateService.
    Cluster,
    /// CloudFormation API, CreateStack.
    Stack,
    /// ECR API, CreateRepository.
    Repository,
    /// CloudWatch Logs API, CreateLogGroup; `aws/` is AWS's own.
    LogGroup,
    /// IAM API, CreateRole.
    Role,
    SecurityGroup,
    Vpc,
    /// A secret's ARN, with or without JSON key, stage and version.
    Secret,
    Key,
    /// Of an instance, cluster or proxy (RDS User Guide, "IAM database access").
    DatabaseResource,
    /// `OWNER/NAME`.
    GithubRepository,
    Number,
    RoleArn,
    ProviderArn,
}

impl Name {
    /// What AWS wants, in words.
    fn rule(self) -> &'static str {
        match self {
            Self::Family | Self::Cluster => "1 to 255 letters, digits, `-` and `_`",
            Self::Stack => "1 to 128 letters, digits and `-`, starting with a letter",
            Self::Repository => {
                "2 to 256 lower-case letters and digits, with single `.`, `_`, `-` or `/` between them"
            }
            Self::LogGroup => {
                "1 to 512 letters, digits and `.`, `-`, `_`, `/`, `#`, not starting with `aws/`"
            }
            Self::Role => "1 to 64 letters, digits and `+=,.@-_`",
            Self::SecurityGroup => "`sg-` and hexadecimal digits",
            Self::Vpc => "`vpc-` and hexadecimal digits",
            Self::Secret => {
                "the full ARN of a secret, `arn:aws:secretsmanager:…:secret:NAME-abc123`"
            }
            Self::Key => "the ARN of a key, `arn:aws:kms:…:key/…`",
            Self::DatabaseResource => {
                "the resource id of an instance (db-…), cluster (cluster-…) or proxy (prx-…)"
            }
            Self::GithubRepository => "OWNER/NAME",
            Self::Number => "a number",
            Self::RoleArn => "the ARN of a role, `arn:aws:iam::…:role/…`",
            Self::ProviderArn => {
                "the ARN of GitHub's identity provider, `arn:aws:iam::…:oidc-provider/…`"
            }
        }
    }

    fn allows(self, name: &str) -> bool {
        let length = name.chars().count();
        let word = |more: &str| {
            name.chars().all(|letter| letter.is_ascii_alphanumeric() || more.contains(letter))
        };
        match self {
            Self::Family | Self::Cluster => (1..=255).contains(&length) && word("-_"),
            Self::Stack => {
                let letter = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
                (1..=128).contains(&length) && letter && word("-")
            }
            Self::Repository => {
                (2..=256).contains(&length) && name.split('/').all(is_repository_part)
            }
            Self::LogGroup => {
                (1..=512).contains(&length) && word(".-_/#") && !name.starts_with("aws/")
            }
            Self::Role => (1..=64).contains(&length) && word("_+=,.@-"),
            Self::SecurityGroup => is_id(name, "sg-"),
            Self::Vpc => is_id(name, "vpc-"),
            Self::Secret => is_arn(name, "secretsmanager") && name.contains(":secret:"),
            Self::Key => is_arn(name, "kms") && name.contains(":key/"),
            Self::DatabaseResource => ["db-", "cluster-", "prx-"].into_iter().any(|prefix| {
                let rest = name.strip_prefix(prefix);
                rest.is_some_and(|rest| {
                    !rest.is_empty() && rest.chars().all(|letter| letter.is_ascii_alphanumeric())
                })
            }),
            Self::GithubRepository => {
                name.split_once('/').is_some_and(|(owner, repository)| {
                    !owner.is_empty() && !repository.is_empty() && !repository.contains('/')
                }) && word("-._/")
            }
            Self::Number => length > 0 && name.chars().all(|letter| letter.is_ascii_digit()),
            Self::RoleArn => is_arn(name, "iam") && name.contains(":role/"),
            Self::ProviderArn => is_arn(name, "iam") && name.contains(":oidc-provider/"),
        }
    }

    /// Refuses a name that AWS would refuse; `flag` is where it came from.
    pub(crate) fn check(self, flag: &str, name: &str) -> Result<(), Error> {
        if self.allows(name) {
            return Ok(());
        }
        Err(Error::usage(format!("`{name}` ({flag}) is not {}", self.rule())))
    }
}

fn is_repository_part(part: &str) -> bool {
    let good = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let mut before_was_sign = true;
    for letter in part.chars() {
        let sign = matches!(letter, '.' | '_' | '-');
        if !(sign || good(letter)) || (sign && before_was_sign) {
            return false;
        }
        before_was_sign = sign;
    }
    !before_was_sign
}

fn is_id(name: &str, prefix: &str) -> bool {
    name.strip_prefix(prefix).is_some_and(|digits| {
        digits.len() >= 8 && digits.chars().all(|digit| digit.is_ascii_hexdigit())
    })
}

fn is_arn(name: &str, service: &str) -> bool {
    let parts: Vec<&str> = name.splitn(6, ':').collect();
    matches!(parts[..], ["arn", partition, found, _, account, rest]
        if partition.starts_with("aws") && found == service && account.len() == 12 && !rest.is_empty())
}

/// A repository name made of a family's.
pub(crate) fn repository_of(family: &str) -> String {
    let lower = family.to_ascii_lowercase();
    let mut name = String::new();
    for letter in lower.chars() {
        if !(matches!(letter, '-' | '_') && (name.is_empty() || name.ends_with(['-', '_']))) {
            name.push(letter);
        }
    }
    name.trim_end_matches(['-', '_']).to_owned()
}

/// A stack name made of a family's.
pub(crate) fn stack_of(family: &str, suffix: &str) -> String {
    let name = format!("{}-{suffix}", family.replace('_', "-"));
    let name = name.trim_start_matches(|letter: char| !letter.is_ascii_alphabetic());
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_would_refuse_is_refused() {
        for (kind, good, bad) in [
            (Name::Family, "App_migrate-1", "app migrate"),
            (Name::Stack, "app-infra", "1app"),
            (Name::Stack, "a", "app_infra"),
            (Name::Repository, "team/app-migrate", "Team/app"),
            (Name::Repository, "a.b_c", "a..b"),
            (Name::Repository, "ab", "a"),
            (Name::Repository, "a/b", "a/"),
            (Name::LogGroup, "/ecs/app", "aws/ecs"),
            (Name::LogGroup, "a#b", "a b"),
            (Name::Role, "app+x", "a/b"),
            (Name::SecurityGroup, "sg-0123abcd", "sg-xyz"),
            (Name::Vpc, "vpc-0123abcd", "vpc-"),
            (Name::Secret, "arn:aws:secretsmanager:eu-west-1:111122223333:secret:db-AbCdEf", "db"),
            (Name::Key, "arn:aws-cn:kms:cn-north-1:111122223333:key/1", "alias/x"),
            (Name::DatabaseResource, "cluster-AB12", "my-database"),
            (Name::GithubRepository, "octo/app", "octo"),
            (Name::GithubRepository, "octo/a.b", "https://github.com/octo/app"),
            (Name::RoleArn, "arn:aws:iam::111122223333:role/x", "x"),
        ] {
            assert!(kind.check("--flag", good).is_ok(), "{kind:?} {good}");
            let error = kind.check("--flag", bad).unwrap_err();
            assert!(error.to_string().starts_with(&format!("`{bad}` (--flag) is not ")), "{error}");
        }
        assert!(Name::Role.check("x", &"a".repeat(65)).is_err());
    }

    #[test]
    fn names_made_of_a_family_are_good_ones() {
        for (family, repository, stack) in [
            ("app-migrate", "app-migrate", "app-migrate-infra"),
            ("App__Migrate_", "app_migrate", "App--Migrate--infra"),
            ("_9lives", "9lives", "lives-infra"),
        ] {
            assert_eq!(repository_of(family), repository);
            assert_eq!(stack_of(family, "infra"), stack);
        }
    }
}
