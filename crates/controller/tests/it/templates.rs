//! The CloudFormation templates, by others' judgement.

use crate::support::tools;
use std::path::Path;
use tokio::process::Command;

#[tokio::test]
async fn cfn_lint_has_nothing_to_say() {
    let Some(python) = tools::python().await else { return };
    let folder = tools::root().join("infra/cloudformation");
    let output = Command::new(Path::new(&python).with_file_name("cfn-lint"))
        .args([folder.join("migration.yaml"), folder.join("github.yaml")])
        .output()
        .await
        .unwrap();
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success() && said.is_empty(), "{said}");
}
