//! Owns how an image is named, as far as it is in ECR. PURE.

/// An image in ECR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EcrImage {
    /// The account that owns the registry.
    pub(crate) account: String,
    pub(crate) region: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) digest: Option<String>,
    /// The name without tag and digest.
    name: String,
}

impl EcrImage {
    /// `ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY[:TAG][@DIGEST]`, and the same with FIPS and in
    /// China (Amazon ECR user guide, "Private registry"). None for an image elsewhere.
    pub(crate) fn parse(image: &str) -> Option<Self> {
        let (named, digest) = match image.split_once('@') {
            Some((named, digest)) => (named, Some(digest.to_owned())),
            None => (image, None),
        };
        let (host, path) = named.split_once('/')?;
        let host = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
        let (account, region) =
            host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr.ecr-fips."))?;
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (path, None),
        };
        // Without both, a registry takes the tag `latest`.
        let tag = tag.or_else(|| digest.is_none().then(|| "latest".to_owned()));
        Some(Self {
            account: account.to_owned(),
            region: region.to_owned(),
            repository: repository.to_owned(),
            name: format!("{}/{repository}", named.split_once('/')?.0),
            tag,
            digest,
        })
    }

    /// The same image by its digest, so that nobody can put another one behind the name.
    pub(crate) fn pinned(&self, digest: &str) -> String {
        format!("{}@{digest}", self.name)
    }
}

/// Whether the name says which image it is, wherever it is.
pub(crate) fn is_pinned(image: &str) -> bool {
    image.contains("@sha256:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_ecr_and_elsewhere() {
        const HOST: &str = "111122223333.dkr.ecr.eu-west-1.amazonaws.com";
        let parse = |image: &str| {
            let found = EcrImage::parse(image)?;
            Some((found.region, found.repository, found.tag, found.digest.is_some()))
        };
        let named = |region: &str, repository: &str, tag: Option<&str>, digest| {
            Some((region.to_owned(), repository.to_owned(), tag.map(str::to_owned), digest))
        };
        for (image, expected) in [
            (format!("{HOST}/app:v1"), named("eu-west-1", "app", Some("v1"), false)),
            (format!("{HOST}/team/app"), named("eu-west-1", "team/app", Some("latest"), false)),
            (format!("{HOST}/app@sha256:0"), named("eu-west-1", "app", None, true)),
            (format!("{HOST}/app:v1@sha256:0"), named("eu-west-1", "app", Some("v1"), true)),
            (
                "1.dkr.ecr.cn-north-1.amazonaws.com.cn/app:v1".to_owned(),
                named("cn-north-1", "app", Some("v1"), false),
            ),
            (
                "1.dkr.ecr-fips.us-gov-west-1.amazonaws.com/app:v1".to_owned(),
                named("us-gov-west-1", "app", Some("v1"), false),
            ),
            ("public.ecr.aws/x/app:v1".to_owned(), None),
            ("ghcr.io/team/app:v1".to_owned(), None),
            ("app:v1".to_owned(), None),
            (String::new(), None),
        ] {
            assert_eq!(parse(&image), expected, "{image}");
        }
        let image = EcrImage::parse(&format!("{HOST}/team/app:v1")).unwrap();
        assert_eq!(image.pinned("sha256:0"), format!("{HOST}/team/app@sha256:0"));
        assert!(is_pinned(&image.pinned("sha256:0")) && !is_pinned("app:v1"));
    }
}
