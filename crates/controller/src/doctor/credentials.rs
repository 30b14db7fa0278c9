//! Owns the credentials and the Region: sts:GetCallerIdentity, which nobody needs a right for.

use super::finding::{Finding, no, ok};
use crate::aws::{Aws, AwsError};

const NAME: &str = "credentials";

pub(super) async fn look(aws: &Aws) -> (Finding, Option<String>) {
    let caller = aws.caller_arn().await;
    (judge(aws.region(), &caller), caller.ok())
}

fn judge(region: &str, caller: &Result<String, AwsError>) -> Finding {
    match caller {
        Ok(arn) => ok(NAME, format!("{arn} in {region}")),
        Err(error) => {
            let fix = error.hint().unwrap_or_else(|| "check credentials and Region".to_owned());
            no(NAME, error.to_string(), fix)
        }
    }
}
