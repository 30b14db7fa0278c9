//! Owns which container of a definition decides.

use super::document::Document;
use crate::error::Error;
use crate::settings::ContainerChoice;
use crate::words;

/// The name of the container that was asked for; without a name, the only one. Never the first of
/// several: a sidecar's exit code is not a verdict.
pub(crate) fn choose(document: &Document, choice: &ContainerChoice) -> Result<String, Error> {
    let names = document.container_names();
    match (choice, names.as_slice()) {
        (_, []) => Err(Error::usage("the task definition has no container")),
        (ContainerChoice::TheOnly | ContainerChoice::TheEssential, [only]) => {
            Ok((*only).to_owned())
        }
        (ContainerChoice::TheEssential, several) => match essential(document).as_slice() {
            [only] => Ok((*only).to_owned()),
            _ => Err(Error::usage(format!(
                "the service's definition has several essential containers: {}",
                several.join(", ")
            ))
            .hinted(
                "say whose image is replaced: `container` in [service.NAME] of ecs-migrate.toml",
            )),
        },
        (ContainerChoice::TheOnly, several) => Err(Error::usage(format!(
            "the task definition has several containers: {}",
            several.join(", ")
        ))
        .hinted("set --container NAME: its exit code decides")),
        (ContainerChoice::Named(name), known) if known.contains(&name.value.as_str()) => {
            Ok(name.value.clone())
        }
        (ContainerChoice::Named(name), known) => {
            let meant = words::nearest(&name.value, known.iter().copied())
                .map(|meant| format!(", did you mean `{meant}`?"))
                .unwrap_or_default();
            Err(Error::usage(format!(
                "container `{}` ({}) is not in the task definition{meant}",
                name.value, name.origin
            ))
            .hinted(format!("its containers: {}", known.join(", "))))
        }
    }
}

fn essential(document: &Document) -> Vec<&str> {
    let essential =
        document.containers().iter().filter(|container| container["essential"] != false);
    essential.filter_map(|container| container["name"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Setting;
    use serde_json::json;

    fn document(names: &[&str]) -> Document {
        let containers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        Document(json!({"containerDefinitions": containers}))
    }

    #[test]
    fn the_only_container_needs_no_name_and_several_do() {
        assert_eq!(choose(&document(&["migrate"]), &ContainerChoice::TheOnly).unwrap(), "migrate");
        let error = choose(&document(&["proxy", "migrate"]), &ContainerChoice::TheOnly);
        assert_eq!(
            error.unwrap_err().to_string(),
            "the task definition has several containers: proxy, migrate"
        );
    }

    #[test]
    fn a_wrong_name_lists_the_right_ones() {
        let named = ContainerChoice::Named(Setting::by_default("migrat".to_owned()));
        let error = choose(&document(&["proxy", "migrate"]), &named).unwrap_err();
        assert_eq!(
            error.to_string(),
            "container `migrat` (default) is not in the task definition, did you mean `migrate`?"
        );
        assert_eq!(error.hint(), Some("its containers: proxy, migrate"));
    }
}
