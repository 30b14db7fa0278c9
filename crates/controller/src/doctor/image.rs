//! Owns the image: whether it is there, and for the task's CPU. ecr:BatchGetImage and, for an image of a
//! single platform, ecr:GetDownloadUrlForLayer.

use super::Container;
use super::finding::{Finding, no, of_error, ok, skip, with_fix};
use crate::aws::Aws;
use crate::task_definition::{EcrImage, is_pinned};

const NAME: &str = "image";

/// The tag of a revision that was registered before there was an image.
const BOOTSTRAP: &str = "bootstrap";

pub(super) async fn look(aws: &Aws, container: Container<'_>) -> Finding {
    let image = container.document.image(container.name);
    let Some(named) = EcrImage::parse(image) else { return elsewhere(image) };
    if named.tag.as_deref() == Some(BOOTSTRAP) && named.digest.is_none() {
        return no(
            NAME,
            format!("{image} stands for an image that was not pushed yet"),
            "push the image, then `ecs-migrate register --image URI`",
        );
    }
    let found = match aws.find_image(&named).await {
        Ok(Some(found)) => found,
        Ok(None) => {
            return no(
                NAME,
                format!("{image} is not in ECR"),
                "push it; check tag or digest, account and Region, and that no lifecycle policy removed it",
            );
        }
        Err(error) if error.code == "RepositoryNotFoundException" => {
            return no(
                NAME,
                format!("there is no repository {} in {}", named.repository, named.region),
                "make it (`ecs-migrate setup-infra`), or correct the image's name",
            );
        }
        Err(error) => return of_error(NAME, &error),
    };
    let wanted = container.document.0["runtimePlatform"]["cpuArchitecture"].as_str();
    match aws.architectures(&named, &found).await {
        Ok(architectures) => judge(image, wanted.unwrap_or("X86_64"), &architectures),
        Err(error) => {
            let unknown = of_error(NAME, &error);
            Finding {
                sentence: format!("{image} is there; its CPU is {}", unknown.sentence),
                ..unknown
            }
        }
    }
}

fn elsewhere(image: &str) -> Finding {
    if image.is_empty() {
        return no(NAME, "the task definition names no image", "set --image URI");
    }
    skip(NAME, format!("{image} is not in ECR, so it cannot be asked for here"))
}

/// `wanted` as the task definition has it: X86_64 or ARM64.
fn judge(image: &str, wanted: &str, architectures: &[String]) -> Finding {
    let platform = if wanted == "ARM64" { "arm64" } else { "amd64" };
    if architectures.is_empty() {
        return skip(NAME, format!("{image} is there, but does not say for which CPU"));
    }
    if !architectures.iter().any(|found| found == platform) {
        return no(
            NAME,
            format!("{image} is for {}, but the task runs on {wanted}", architectures.join(", ")),
            format!(
                "build it with --platform linux/{platform}, or set `runtimePlatform.cpuArchitecture`"
            ),
        );
    }
    let found = ok(NAME, format!("{image} is there, for {platform}"));
    if is_pinned(image) {
        return found;
    }
    with_fix(
        found,
        "name it by its digest: `ecs-migrate register --image URI` does, of a tag in ECR",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn an_image_is_for_the_tasks_cpu() {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        for (wanted, found, verdict) in [
            ("X86_64", names(&["amd64"]), Verdict::Ok),
            ("ARM64", names(&["amd64", "arm64"]), Verdict::Ok),
            ("X86_64", names(&["arm64"]), Verdict::No),
            ("ARM64", names(&["amd64"]), Verdict::No),
            ("X86_64", names(&[]), Verdict::Skip),
        ] {
            assert_eq!(judge("i:1", wanted, &found).verdict, verdict, "{wanted} {found:?}");
        }
        assert!(judge("i:1", "X86_64", &names(&["amd64"])).fix.is_some());
        assert!(judge("i@sha256:0", "X86_64", &names(&["amd64"])).fix.is_none());
        assert_eq!(elsewhere("ghcr.io/a").verdict, Verdict::Skip);
        assert_eq!(elsewhere("").verdict, Verdict::No);
    }
}
