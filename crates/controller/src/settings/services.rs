//! Owns which services are deployed, with what, and how they are followed. PURE.

use super::definition::{ContainerChoice, named};
use super::key::Key;
use super::layers::{Layers, Setting};
use super::parse;
use crate::error::Error;
use crate::service::Order;
use crate::words;
use std::time::Duration;

/// How long a rollout is followed unless something else is set.
const ROLLOUT_TIMEOUT: Duration = Duration::from_mins(30);

/// What the file says of one service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct ServiceTable {
    pub(crate) container: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) definition: Option<String>,
}

/// Keys of that table.
pub(super) const SERVICE_KEYS: [&str; 3] = ["container", "image", "definition"];

/// One service and what it shall get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServiceWish {
    pub(crate) name: String,
    pub(crate) container: ContainerChoice,
    /// Instead of the one it has.
    pub(crate) image: Option<Setting<String>>,
    /// A file with its definition, instead of the one it has.
    pub(crate) template: Option<Setting<String>>,
}

/// Settings of what happens behind the gate.
#[derive(Debug, Clone)]
pub(crate) struct ServiceSettings {
    pub(crate) services: Vec<ServiceWish>,
    pub(crate) order: Order,
    pub(crate) limit: Setting<Duration>,
}

impl ServiceSettings {
    /// Resolves the layers, or names the first thing that is wrong.
    pub(crate) fn resolve(layers: &Layers) -> Result<Self, Error> {
        let Some(names) = parse::list(layers, Key::Service)? else {
            return Err(Error::usage("no service is set").hinted(format!(
                "set --service NAME, ECS_MIGRATE_SERVICE, or {}",
                layers.in_file(Key::Service)
            )));
        };
        let images = images(layers, &names.value)?;
        let mut services: Vec<ServiceWish> = Vec::new();
        for name in &names.value {
            if services.iter().any(|known| known.name == *name) {
                return Err(Error::usage(format!(
                    "service {name} is named twice ({})",
                    names.origin
                )));
            }
            let table = layers.services.get(name).cloned().unwrap_or_default();
            let of_file = |value: Option<String>| {
                let origin = super::layers::Origin::File {
                    path: layers.file_path.clone(),
                    key: Key::Service,
                };
                value.map(|value| Setting { value, origin })
            };
            let own = images.iter().find(|(of, _)| of.as_deref() == Some(name));
            let for_all = images.iter().find(|(of, _)| of.is_none());
            let image = strongest([
                own.map(|(_, image)| image.clone()),
                of_file(table.image.clone()),
                for_all.map(|(_, image)| image.clone()),
            ]);
            if let (Some(file), None) = (&table.definition, &image) {
                return Err(Error::usage(format!(
                    "the definition of service {name} ({file}) needs an image"
                ))
                .hinted(format!("--service-image {name}=URI, best as repository@sha256:…")));
            }
            services.push(ServiceWish {
                name: name.clone(),
                container: of_file(table.container)
                    .map_or(ContainerChoice::TheEssential, ContainerChoice::Named),
                image,
                template: of_file(table.definition),
            });
        }
        let in_order = parse::truth(layers, Key::InOrder)?.value;
        Ok(Self {
            services,
            order: if in_order { Order::InOrder } else { Order::Together },
            limit: parse::duration(layers, Key::RolloutTimeout)?
                .unwrap_or_else(|| Setting::by_default(ROLLOUT_TIMEOUT)),
        })
    }
}

/// The setting of the strongest layer; within a layer the first, which is the closest.
fn strongest(settings: [Option<Setting<String>>; 3]) -> Option<Setting<String>> {
    let closer = |best: Setting<String>, next: Setting<String>| {
        if next.strength() > best.strength() { next } else { best }
    };
    settings.into_iter().flatten().reduce(closer)
}

/// A service's name, where one is said, and its image.
type ImageOf = (Option<String>, Setting<String>);

/// Images by service; without a name for all that have none of their own. An image's name has no
/// equals sign.
fn images(layers: &Layers, names: &[String]) -> Result<Vec<ImageOf>, Error> {
    if let Some(given) = layers.find(Key::ServiceImage)
        && given.value.trim().is_empty()
    {
        named(given, "the service's image")?;
    }
    let Some(given) = parse::list(layers, Key::ServiceImage)? else {
        return Ok(Vec::new());
    };
    let mut images: Vec<ImageOf> = Vec::new();
    for text in &given.value {
        let (of, image) = match text.split_once('=') {
            None => (None, text),
            Some((name, image)) if names.iter().any(|known| known == name) => {
                (Some(name.to_owned()), &image.to_owned())
            }
            Some((name, _)) => {
                let meant = words::nearest(name, names.iter().map(String::as_str));
                let meant =
                    meant.map(|meant| format!(", did you mean `{meant}`?")).unwrap_or_default();
                return Err(Error::usage(format!(
                    "an image is set for service {name} ({}), which is not deployed{meant}",
                    given.origin
                )));
            }
        };
        if image.is_empty() || images.iter().any(|(known, _)| *known == of) {
            let of = of.unwrap_or_else(|| "all services".to_owned());
            return Err(Error::usage(format!(
                "the image of {of} is empty or set twice ({})",
                given.origin
            )));
        }
        let image = Setting { value: image.clone(), origin: given.origin.clone() };
        images.push((of, named(image, "the service's image")?));
    }
    Ok(images)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn layers(flags: &[(Key, &str)]) -> Layers {
        let flags = flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        let table = ServiceTable {
            container: Some("web".to_owned()),
            image: Some("file:1".to_owned()),
            definition: None,
        };
        let defined =
            ServiceTable { definition: Some("web.json".to_owned()), ..ServiceTable::default() };
        let services = BTreeMap::from([("api".to_owned(), table), ("web".to_owned(), defined)]);
        Layers { flags, services, ..Layers::default() }
    }

    #[test]
    fn a_flag_beats_the_file_and_within_a_layer_what_is_said_of_the_service_counts() {
        let of = |flags: &[(Key, &str)], file: &[(Key, &str)]| {
            let service = (Key::Service, "api,worker");
            let mut layers = layers(&[&[service], flags].concat());
            layers.file = file.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
            let settings = ServiceSettings::resolve(&layers).unwrap();
            let images = settings.services.iter().map(|wish| wish.image.clone().map(|i| i.value));
            images.map(Option::unwrap_or_default).collect::<Vec<_>>()
        };
        let image = |image: &'static str| [(Key::ServiceImage, image)];
        assert_eq!(of(&image("app:2"), &[]), ["app:2", "app:2"]);
        assert_eq!(of(&image("api=app:3,app:2"), &[]), ["app:3", "app:2"]);
        assert_eq!(of(&image("worker=app:3"), &[]), ["file:1", "app:3"]);
        assert_eq!(of(&[], &image("app:2")), ["file:1", "app:2"]);
        assert_eq!(of(&image("app:4"), &image("app:2")), ["app:4", "app:4"]);
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for (flags, message) in [
            (vec![], "no service is set"),
            (vec![(Key::Service, "api,api")], "service api is named twice (flag --service)"),
            (
                vec![(Key::Service, "api"), (Key::ServiceImage, "apo=x:1")],
                "an image is set for service apo (flag --service-image), which is not deployed, did you mean `api`?",
            ),
            (
                vec![(Key::Service, "api"), (Key::ServiceImage, "x:1,y:1")],
                "the image of all services is empty or set twice (flag --service-image)",
            ),
            (
                vec![(Key::Service, "web"), (Key::ServiceImage, "web=")],
                "the image of web is empty or set twice (flag --service-image)",
            ),
            (
                vec![(Key::Service, "api"), (Key::ServiceImage, "")],
                "the service's image (flag --service-image) is empty",
            ),
            (
                vec![(Key::Service, "api"), (Key::ServiceImage, "registry.example/")],
                "the service's image `registry.example/` (flag --service-image) names none",
            ),
            (
                vec![(Key::Service, "api"), (Key::ServiceImage, "***.dkr.ecr/app:1")],
                "the service's image `***.dkr.ecr/app:1` (flag --service-image) names none",
            ),
            (
                vec![(Key::Service, "web")],
                "the definition of service web (web.json) needs an image",
            ),
            (
                vec![(Key::Service, "api"), (Key::RolloutTimeout, "soon")],
                "`soon` (flag --rollout-timeout) is not a duration such as 90s, 30m or 1h 30m",
            ),
        ] {
            let refusal = ServiceSettings::resolve(&layers(&flags)).unwrap_err();
            assert_eq!(refusal.to_string(), message);
        }
    }
}
