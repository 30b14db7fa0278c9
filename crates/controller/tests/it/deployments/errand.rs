//! What a job in GitHub Actions was told to do; run again it is told the same.

use super::ENVIRONMENTS;
use super::world::Truth;
use crate::support::shop::{API, Shop};
use crate::support::story::{Told, at};
use controller::Signal;
use fastrand::Rng;

const COMMITS: [&str; 2] = ["c1", "c2"];
const IMAGES: [&str; 2] = ["app:1", "app:2"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Run,
    Release,
    DeployService,
}

#[derive(Clone, Debug)]
pub(super) struct Errand {
    pub(super) kind: Kind,
    pub(super) environment: &'static str,
    commit: &'static str,
    image: &'static str,
    /// The workflow run's id.
    id: String,
}

impl Errand {
    pub(super) fn drawn(rng: &mut Rng, kind: Kind, id: usize) -> Self {
        let of = |rng: &mut Rng, some: [&'static str; 2]| some[rng.usize(..2)];
        Self {
            kind,
            environment: of(rng, ENVIRONMENTS),
            commit: of(rng, COMMITS),
            image: of(rng, IMAGES),
            id: id.to_string(),
        }
    }

    /// The job behind it, which only deploys.
    pub(super) fn deployed(&self) -> Self {
        Self { kind: Kind::DeployService, ..self.clone() }
    }

    /// What it wants behind the service.
    pub(super) fn truth(&self) -> Truth {
        Truth::At { commit: self.commit.to_owned(), image: self.image.to_owned() }
    }

    /// Runs it; `leaves` is when somebody cancels the job, which lets the task go on.
    pub(super) async fn done(&self, mut shop: Shop, leaves: Option<u64>) -> (Shop, Told) {
        shop.story = shop.story.set("GITHUB_RUN_ID", &self.id).set("GITHUB_SHA", self.commit);
        if let Some(leaves) = leaves {
            shop.story = shop.story.signal(at(leaves), Signal::Interrupt);
        }
        let template = shop.story.template_path();
        let place =
            ["--template", &template, "--image", self.image, "--environment", self.environment];
        let network =
            ["--subnets", "subnet-a", "--security-groups", "sg-a", "--on-cancel", "detach"];
        let service =
            ["--service", self.environment, "--service-image", API, "--force-new-deployment"];
        let line = match self.kind {
            Kind::Run => [&["run"], &place[..], &network].concat(),
            Kind::Release => [&["release"], &place[..], &network, &service].concat(),
            Kind::DeployService => [&["deploy-service"], &place[..], &service].concat(),
        };
        let told = shop.story.invoke(&line).await;
        shop.story = shop.story.without_signals();
        (shop, told)
    }
}
