//! Tasks with several containers, and what a container's exit code is.

use std::time::Duration;

use sandbox::{Config, Program, Script, Speed};

use crate::support::{IMAGE, World, container, exit_code, stop_code, words};

const SECOND: Duration = Duration::from_secs(1);

fn side_by_side(sidecar: Script) -> World {
    let runner = Script::new().exits(10 * SECOND, 0);
    World::in_memory(
        Config::new(Speed::Instant)
            .image(IMAGE, Program::script(runner))
            .image("sidecar:v1", Program::script(sidecar)),
    )
}

#[tokio::test(start_paused = true)]
async fn the_first_essential_exit_stops_the_rest() {
    let world = side_by_side(Script::new().exits(SECOND, 0));
    let sidecar = container("sidecar").image("sidecar:v1").build();
    let definition = world.definition().container_definitions(sidecar);
    let definition = definition.container_definitions(container("runner").build());
    definition.send().await.expect("valid");
    let ended = world.run_to_end().await;
    assert_eq!(exit_code(&ended, "sidecar"), Some(0));
    assert_eq!(exit_code(&ended, "runner"), Some(143));
    assert_eq!(stop_code(&ended), "EssentialContainerExited");
}

#[tokio::test(start_paused = true)]
async fn others_may_leave_early() {
    let world = side_by_side(Script::new().exits(SECOND, 1));
    let sidecar = container("sidecar").image("sidecar:v1").essential(false).build();
    let definition = world.definition().container_definitions(sidecar);
    let definition = definition.container_definitions(container("runner").build());
    definition.send().await.expect("valid");
    let ended = world.run_to_end().await;
    assert_eq!(exit_code(&ended, "sidecar"), Some(1));
    assert_eq!(exit_code(&ended, "runner"), Some(0));
}

#[tokio::test]
async fn a_signal_is_128_and_its_number() {
    let program = Program::command("sh -c").expect("words");
    let world = World::served(Config::new(Speed::Instant).image("*", program)).await;
    for (command, code) in [("kill -SEGV $$", 139), ("kill -KILL $$", 137), ("exit 255", 255)] {
        world.register(&[command]).await;
        assert_eq!(exit_code(&world.run_to_end().await, "runner"), Some(code), "{command}");
    }
}

#[tokio::test]
async fn the_image_stands_for_the_entry_point() {
    let config = Config::new(Speed::Instant)
        .image("mapped:v1", Program::command("sh -c").expect("words"))
        .image("plain:v1", Program::command("").expect("no words"));
    let world = World::served(config).await;
    let cases = [
        ("mapped:v1", vec!["/usr/local/bin/not-here"], vec!["exit 4"], 4),
        ("plain:v1", vec!["sh", "-c"], vec!["exit 5"], 5),
        ("plain:v1", vec![], vec!["sh", "-c", "exit 6"], 6),
    ];
    for (image, entry_point, command, code) in cases {
        let runner = container("runner")
            .image(image)
            .set_entry_point(Some(words(&entry_point)))
            .set_command(Some(words(&command)));
        world.definition().container_definitions(runner.build()).send().await.expect("valid");
        assert_eq!(exit_code(&world.run_to_end().await, "runner"), Some(code), "{image}");
    }
}

#[tokio::test]
async fn without_awslogs_the_exit_code_is_real() {
    let program = Program::command("sh -c").expect("words");
    let world = World::served(Config::new(Speed::Instant).image("*", program)).await;
    let runner = aws_sdk_ecs::types::ContainerDefinition::builder()
        .name("runner")
        .image(IMAGE)
        .set_command(Some(words(&["echo unheard; exit 9"])));
    world.definition().container_definitions(runner.build()).send().await.expect("valid");
    assert_eq!(exit_code(&world.run_to_end().await, "runner"), Some(9));
}
