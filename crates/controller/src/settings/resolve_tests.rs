//! Which layer wins, what is refused, and in which words.

use super::*;
use crate::settings::ImageChoice;

fn layers(
    flags: &[(Key, &str)],
    environment: &[(Key, &'static str, &str)],
    file: &[(Key, &str)],
) -> Layers {
    Layers {
        flags: flags.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        environment: environment
            .iter()
            .map(|(key, name, value)| (*key, (*name, (*value).to_owned())))
            .collect(),
        file: file.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
        file_path: "ecs-migrate.toml".to_owned(),
        file_is_there: true,
        ..Layers::default()
    }
}

const WHOLE: &[(Key, &str)] = &[
    (Key::TaskDefinition, "app-migrate"),
    (Key::Subnets, "subnet-a, subnet-b"),
    (Key::SecurityGroups, "sg-1"),
];

fn refusal(layers: &Layers) -> String {
    RunSettings::resolve(layers, &BTreeMap::new()).unwrap_err().to_string()
}

#[test]
fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
    let cluster = [(Key::Cluster, "ECS_MIGRATE_CLUSTER", "of-env")];
    let file = [(Key::Cluster, "of-file")];
    for (layers, value, origin) in [
        (layers(&[(Key::Cluster, "of-flag")], &cluster, &file), "of-flag", "flag --cluster"),
        (layers(&[], &cluster, &file), "of-env", "env ECS_MIGRATE_CLUSTER"),
        (layers(&[], &[], &file), "of-file", "`cluster` in ecs-migrate.toml"),
        (layers(&[], &[], &[]), "default", "default"),
    ] {
        let cluster = layers.cluster();
        assert_eq!(cluster.value, value);
        assert_eq!(cluster.origin.to_string(), origin);
    }
}

#[test]
fn what_is_missing_or_wrong_is_named_with_its_origin() {
    for (layers, message) in [
        (layers(&[], &[], &[]), "no task definition is set"),
        (layers(&[(Key::TaskDefinition, "x")], &[], &[]), "no subnets are set"),
        (
            layers(&[(Key::TaskDefinition, "x")], &[(Key::Subnets, "VPC_SUBNETS", "a")], &[]),
            "subnets are set (env VPC_SUBNETS), but no security groups",
        ),
        (
            layers(&[(Key::Template, "x.json")], &[], WHOLE),
            "a template (flag --template) needs an image",
        ),
        (
            layers(&[(Key::Template, "x.json"), (Key::Image, "")], &[], WHOLE),
            "the image (flag --image) is empty",
        ),
        (
            layers(&[], &[(Key::Timeout, "ECS_MIGRATE_TIMEOUT", "soon")], WHOLE),
            "`soon` (env ECS_MIGRATE_TIMEOUT) is not a duration such as 90s, 30m or 1h 30m",
        ),
        (
            layers(&[(Key::OnCancel, "ignore")], &[], WHOLE),
            "`ignore` (flag --on-cancel) is not one of stop, detach",
        ),
        (
            layers(&[(Key::CapacityProvider, "FARGATE_SPOT")], &[], WHOLE),
            "capacity provider FARGATE_SPOT (flag --capacity-provider) can reclaim the task in the \
             middle of a migration",
        ),
    ] {
        assert_eq!(refusal(&layers), message);
    }
}

#[test]
fn a_whole_file_is_enough() {
    let settings = RunSettings::resolve(&layers(&[], &[], WHOLE), &BTreeMap::new()).unwrap();
    assert_eq!(
        told(&settings.network),
        "subnet-a,subnet-b of `subnets` in ecs-migrate.toml, sg-1, None"
    );
    assert_eq!(settings.timeout, TimeLimit::None);
    assert_eq!(settings.capacity_timeout, Duration::from_mins(5));
    assert_eq!(settings.key, RunKey::Random);
    assert!(matches!(
        settings.definition,
        DefinitionSource::Existing { image: ImageChoice::AsDefined, .. }
    ));
}

#[test]
fn a_stronger_layer_chooses_between_alternatives() {
    let layers = layers(
        &[(Key::NetworkFrom, "api"), (Key::Template, "x.json"), (Key::Image, "i:1")],
        &[],
        WHOLE,
    );
    let settings = RunSettings::resolve(&layers, &BTreeMap::new()).unwrap();
    assert_eq!(
        told(&settings.network),
        "api of flag --network-from, else subnet-a,subnet-b of `subnets` in ecs-migrate.toml, sg-1, None"
    );
    assert!(matches!(settings.definition, DefinitionSource::Template { .. }));
}

fn told(network: &Network) -> String {
    let given = |given: &network::GivenNetwork| {
        let network::GivenNetwork { subnets, security_groups, public_ip } = given;
        let (ids, origin) = (subnets.value.join(","), &subnets.origin);
        format!("{ids} of {origin}, {}, {public_ip:?}", security_groups.value.join(","))
    };
    match network {
        Network::Given(network) => given(network),
        Network::FromService { service, otherwise } => {
            let otherwise = match otherwise {
                network::Otherwise::Given(network) => given(network),
                network::Otherwise::Nothing => "nothing".to_owned(),
            };
            format!("{} of {}, else {otherwise}", service.value, service.origin)
        }
    }
}

#[test]
fn the_network_comes_from_a_service_or_is_typed() {
    let env = [
        (Key::Subnets, "VPC_SUBNETS", "[\"subnet-e\"]"),
        (Key::SecurityGroups, "VPC_SECURITY_GROUPS", "sg-e"),
    ];
    let api = [(Key::NetworkFrom, "api")];
    let public = [WHOLE, &[(Key::AssignPublicIp, "true")]].concat();
    let typed = "subnet-e of env VPC_SUBNETS, sg-e, None";
    for (layers, expected) in [
        (layers(&[], &env, &[]), typed.to_owned()),
        (layers(&[], &env, &api), typed.to_owned()),
        (layers(&api, &env, &[]), format!("api of flag --network-from, else {typed}")),
        (layers(&api, &env[..1], &[]), "api of flag --network-from, else nothing".to_owned()),
        (layers(&[], &[], &api), "api of `network-from` in ecs-migrate.toml, else nothing".to_owned()),
        (
            layers(&[], &[], &[WHOLE, &api].concat()),
            "api of `network-from` in ecs-migrate.toml, else subnet-a,subnet-b of `subnets` in ecs-migrate.toml, sg-1, None".to_owned(),
        ),
        (layers(&[], &[], &public), "subnet-a,subnet-b of `subnets` in ecs-migrate.toml, sg-1, Assigned".to_owned()),
    ] {
        assert_eq!(told(&network::network(&layers).unwrap()), expected);
    }
}

#[test]
fn the_run_key_is_ours_then_githubs_then_random() {
    let github = BTreeMap::from([("GITHUB_RUN_ID".to_owned(), "77".to_owned())]);
    let given = layers(&[(Key::RunKey, "release-9")], &[], &[]);
    assert_eq!(given.run_key(&github), RunKey::Given("release-9".to_owned()));
    assert_eq!(Layers::default().run_key(&github), RunKey::Github("77".to_owned()));
    assert_eq!(Layers::default().run_key(&BTreeMap::new()), RunKey::Random);
}

#[test]
fn who_attaches_does_not_stop_by_default() {
    assert_eq!(AttachSettings::resolve(&Layers::default()).unwrap().on_cancel, OnCancel::Detach);
}
