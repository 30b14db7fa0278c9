//! Owns the registry's protocol: the only file that names the OCI client.

use super::address::{Address, Scheme};
use super::blob::Blob;
use super::credentials::Login;
use super::platform::Platform;
use crate::error::{Error, Kind};
use bytes::Bytes;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference, RegistryOperation};
use oci_spec::image::{
    Arch, Descriptor, ImageConfiguration, ImageIndex, ImageManifest, MediaType, Os,
};
use std::fmt;
use std::time::Duration;
use tokio::time::sleep;

/// How often a question is asked whose answer was no answer, a throttle or a 5xx. All of them may be
/// repeated: what is stored is named by its digest.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(300);

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const ACCEPTED: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

/// One repository of a registry.
pub(crate) struct Registry {
    client: Client,
    auth: RegistryAuth,
    address: Address,
}

impl fmt::Debug for Registry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Registry").field("address", &self.address).finish_non_exhaustive()
    }
}

/// What somebody wants to do there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Pull,
    Push,
}

impl Registry {
    /// Signs in.
    pub(crate) async fn open(
        address: Address,
        login: &Login,
        purpose: Purpose,
    ) -> Result<Self, Error> {
        let protocol = match address.scheme {
            Scheme::Http => ClientProtocol::Http,
            Scheme::Https => ClientProtocol::Https,
        };
        let config = ClientConfig {
            protocol,
            // Whole blobs: some registries want pieces of a size of their own.
            use_monolithic_push: true,
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: concat!("ecs-migrate/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        };
        let client =
            Client::try_from(config).map_err(|cause| address.failed("reach it", &cause))?;
        let auth = match login {
            Login::Anonymous => RegistryAuth::Anonymous,
            Login::As { user, password } => RegistryAuth::Basic(user.clone(), password.clone()),
        };
        let registry = Self { client, auth, address };
        let operation = match purpose {
            Purpose::Pull => RegistryOperation::Pull,
            Purpose::Push => RegistryOperation::Push,
        };
        let reference = registry.at("latest");
        patiently(|| registry.client.auth(&reference, &registry.auth, operation))
            .await
            .map_err(|cause| registry.address.failed("sign in", &cause))?;
        Ok(registry)
    }

    fn at(&self, tag: &str) -> Reference {
        let Address { host, repository, .. } = &self.address;
        Reference::with_tag(host.clone(), repository.clone(), tag.to_owned())
    }

    /// The digest that a tag names; none if there is no such tag.
    pub(crate) async fn digest_of(&self, tag: &str) -> Result<Option<String>, Error> {
        let reference = self.at(tag);
        match patiently(|| self.client.fetch_manifest_digest(&reference, &self.auth)).await {
            Ok(digest) => Ok(Some(digest)),
            Err(cause) if status(&cause) == Some(404) => Ok(None),
            Err(cause) => Err(self.address.failed("look for the tag", &cause)),
        }
    }

    /// Whether the repository has a blob.
    pub(crate) async fn has(&self, digest: &str) -> Result<bool, Error> {
        let reference = self.at("latest");
        patiently(|| self.client.blob_exists(&reference, digest))
            .await
            .map_err(|cause| self.address.failed("look for a layer", &cause))
    }

    pub(crate) async fn upload(&self, digest: &str, bytes: Bytes) -> Result<(), Error> {
        let reference = self.at("latest");
        patiently(|| self.client.push_blob(&reference, bytes.clone(), digest))
            .await
            .map(drop)
            .map_err(|cause| self.address.failed("upload a layer", &cause))
    }

    /// Puts a manifest under a tag.
    pub(crate) async fn tag(&self, tag: &str, manifest: &Blob) -> Result<(), Error> {
        let reference = self.at(tag);
        let kind = http::HeaderValue::from_static("application/vnd.oci.image.manifest.v1+json");
        patiently(|| self.client.push_manifest_raw(&reference, manifest.shared(), kind.clone()))
            .await
            .map(drop)
            .map_err(|cause| {
                let failed = self.address.failed(&format!("set the tag {tag}"), &cause);
                // ECR's and the specification's words for a tag that names another image for ever.
                if said(&cause).to_ascii_lowercase().contains("immutable") {
                    return failed.hinted(
                    "tags of this repository never move; without --tag the content gives the tag",
                );
                }
                failed
            })
    }

    /// Configuration and layers of an image for a platform. `reference` is a tag or a digest.
    pub(crate) async fn image(
        &self,
        reference: &str,
        platform: Platform,
    ) -> Result<(ImageConfiguration, Vec<Descriptor>), Error> {
        let place = if reference.starts_with("sha256:") {
            self.at("latest").clone_with_digest(reference.to_owned())
        } else {
            self.at(reference)
        };
        let mut document = self.manifest(&place).await?;
        if let Ok(index) = ImageIndex::from_reader(document.as_ref()) {
            let fits = |entry: &&Descriptor| {
                entry.platform().as_ref().is_some_and(|found| {
                    *found.os() == Os::Linux
                        && *found.architecture() == Arch::from(platform.architecture())
                })
            };
            let entry = index.manifests().iter().find(fits).ok_or_else(|| {
                Error::usage(format!("{} has no image for {platform}", self.address.name))
            })?;
            let place = self.at("latest").clone_with_digest(entry.digest().to_string());
            document = self.manifest(&place).await?;
        }
        let strange = |cause| {
            Error::new(Kind::AwsRefused, format!("{} is no image", self.address.name))
                .caused_by(cause)
        };
        let manifest = ImageManifest::from_reader(document.as_ref()).map_err(strange)?;
        let bytes = self.layer(manifest.config()).await?;
        let configuration = ImageConfiguration::from_reader(bytes.as_ref()).map_err(strange)?;
        Ok((configuration, manifest.layers().iter().map(of_oci).collect()))
    }

    async fn manifest(&self, place: &Reference) -> Result<Bytes, Error> {
        patiently(|| self.client.pull_manifest_raw(place, &self.auth, &ACCEPTED))
            .await
            .map(|(document, _)| document)
            .map_err(|cause| self.address.failed("read the image", &cause))
    }

    /// The bytes of a layer; the client holds them against its digest.
    pub(crate) async fn layer(&self, layer: &Descriptor) -> Result<Bytes, Error> {
        let reference = self.at("latest");
        let digest = layer.digest().to_string();
        patiently(|| async {
            let mut bytes = Vec::new();
            self.client.pull_blob(&reference, digest.as_str(), &mut bytes).await?;
            Ok(bytes)
        })
        .await
        .map(Bytes::from)
        .map_err(|cause| self.address.failed("read a layer", &cause))
    }
}

/// The same layer in the words of OCI; Docker's are the same bytes under another name.
fn of_oci(layer: &Descriptor) -> Descriptor {
    let mut layer = layer.clone();
    if *layer.media_type() == MediaType::Other(DOCKER_LAYER.to_owned()) {
        layer.set_media_type(MediaType::ImageLayerGzip);
    }
    layer
}

async fn patiently<T, Asked>(ask: impl Fn() -> Asked) -> Result<T, OciDistributionError>
where
    Asked: Future<Output = Result<T, OciDistributionError>>,
{
    let mut pause = FIRST_PAUSE;
    for _ in 1..TRIES {
        match ask().await {
            Err(cause) if is_transient(&cause) => {
                sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
                pause *= 2;
            }
            answer => return answer,
        }
    }
    ask().await
}

fn is_transient(cause: &OciDistributionError) -> bool {
    match status(cause) {
        Some(status) => status == 429 || status >= 500,
        None => matches!(cause, OciDistributionError::RequestError(cause) if !cause.is_builder()),
    }
}

/// The answer's status, as far as the client tells it.
fn status(cause: &OciDistributionError) -> Option<u16> {
    if let OciDistributionError::ServerError { code, .. } = cause {
        return Some(*code);
    }
    if let OciDistributionError::RequestError(cause) = cause {
        return cause.status().map(|status| status.as_u16());
    }
    if let OciDistributionError::ImageManifestNotFoundError(_) = cause {
        return Some(404);
    }
    if matches!(
        cause,
        OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
    ) {
        return Some(401);
    }
    let OciDistributionError::RegistryError { envelope, .. } = cause else { return None };
    match &envelope.errors.first()?.code {
        OciErrorCode::ManifestUnknown
        | OciErrorCode::NameUnknown
        | OciErrorCode::NotFound
        | OciErrorCode::BlobUnknown => Some(404),
        OciErrorCode::Unauthorized => Some(401),
        OciErrorCode::Denied => Some(403),
        OciErrorCode::Toomanyrequests => Some(429),
        OciErrorCode::BlobUploadInvalid
        | OciErrorCode::BlobUploadUnknown
        | OciErrorCode::DigestInvalid
        | OciErrorCode::ManifestBlobUnknown
        | OciErrorCode::ManifestInvalid
        | OciErrorCode::ManifestUnverified
        | OciErrorCode::NameInvalid
        | OciErrorCode::SizeInvalid
        | OciErrorCode::TagInvalid
        | OciErrorCode::Unsupported
        | OciErrorCode::Other(_) => Some(400),
    }
}

/// What the registry said, without any address: one may be signed.
fn said(cause: &OciDistributionError) -> String {
    let from_body = |body: &str| {
        let body: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        let first = &body["errors"][0];
        let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", text("code"), text("message")).trim().to_owned()
    };
    if let OciDistributionError::ServerError { code, message, .. } = cause {
        return format!("status {code} {}", from_body(message)).trim_end().to_owned();
    }
    if let OciDistributionError::RegistryError { envelope, .. } = cause {
        let texts: Vec<&str> = envelope.errors.iter().map(|error| error.message.as_str()).collect();
        return texts.join("; ");
    }
    if let OciDistributionError::RequestError(cause) = cause {
        return if let Some(status) = cause.status() {
            format!("status {}", status.as_u16())
        } else if cause.is_timeout() {
            "no answer in time".to_owned()
        } else if cause.is_connect() {
            format!("no connection{}", root(cause))
        } else {
            format!("the connection broke{}", root(cause))
        };
    }
    if matches!(
        cause,
        OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
    ) {
        return "status 401".to_owned();
    }
    if let OciDistributionError::DigestError(cause) = cause {
        return cause.to_string();
    }
    "an answer that is not understood".to_owned()
}

/// The innermost cause, which is the operating system's or the TLS library's and names no address.
fn root(error: &dyn std::error::Error) -> String {
    let mut cause = error.source();
    while let Some(inner) = cause.and_then(std::error::Error::source) {
        cause = Some(inner);
    }
    cause.map(|cause| format!(": {cause}")).unwrap_or_default()
}

impl Address {
    fn failed(&self, operation: &str, cause: &OciDistributionError) -> Error {
        let error = Error::new(
            Kind::AwsRefused,
            format!("the registry of {} did not let us {operation}: {}", self.name, said(cause)),
        );
        match status(cause) {
            Some(401) => error.hinted(
                "it does not accept the credentials: docker login, or --username NAME --password-stdin",
            ),
            Some(403) => error.hinted("these credentials may not do that in this repository"),
            Some(404) => error.hinted("the repository must exist: setup-infra makes one in ECR"),
            Some(_) => error,
            None => error.hinted("plain http is used only on this machine, or with --insecure"),
        }
    }
}
