//! Owns the log group and its Region: logs:DescribeLogGroups.

use super::Container;
use super::finding::{Finding, no, of_error, ok, skip, with_fix};
use crate::aws::{Aws, FoundLogGroup};
use crate::task_definition::{Driver, log_sources};

const NAME: &str = "log_group";

pub(super) async fn look(aws: &Aws, container: Container<'_>) -> Finding {
    let sources = log_sources(container.document, aws.region());
    let source = sources.into_iter().find(|source| source.container == container.name);
    let (group, region) = match source.map(|source| source.driver) {
        Some(Driver::Awslogs { group, region, .. }) => (group, region),
        Some(Driver::Other(driver)) => {
            let found =
                skip(NAME, format!("the log goes to `{driver}`, which cannot be read back"));
            return with_fix(found, "use awslogs: without a log the exit code alone decides");
        }
        None => return skip(NAME, "the task definition has no such container"),
    };
    let options = container.document.container(container.name);
    let makes_it = options.is_some_and(|fields| {
        fields["logConfiguration"]["options"]["awslogs-create-group"] == "true"
    });
    match aws.find_log_group(&region, &group).await {
        Ok(None) if makes_it => {
            let found = ok(NAME, format!("the task makes the log group {group} in {region}"));
            with_fix(
                found,
                "this needs logs:CreateLogGroup in the execution role, and keeps the log for ever",
            )
        }
        Ok(found) => judge((&group, &region), aws.region(), found.as_ref()),
        Err(error) => of_error(NAME, &error),
    }
}

fn judge((group, region): (&str, &str), home: &str, found: Option<&FoundLogGroup>) -> Finding {
    let Some(found) = found else {
        return no(
            NAME,
            format!("there is no log group {group} in {region}, so the task cannot start"),
            format!("aws logs create-log-group --region {region} --log-group-name {group}"),
        );
    };
    if found.class != "STANDARD" && found.class != "INFREQUENT_ACCESS" {
        return no(
            NAME,
            format!("the log group {group} is of class {}, which cannot be read back", found.class),
            "name a log group of class STANDARD",
        );
    }
    let kept = match found.retention {
        Some(days) => format!("kept for {days} days"),
        None => "kept for ever".to_owned(),
    };
    let judged = ok(NAME, format!("the log group {group} is in {region}, {kept}"));
    if region != home {
        return with_fix(
            judged,
            format!(
                "the task runs in {home}: set `awslogs-region` to {home}, unless it is meant so"
            ),
        );
    }
    match found.retention {
        Some(_) => judged,
        None => with_fix(
            judged,
            format!(
                "aws logs put-retention-policy --log-group-name {group} --retention-in-days 30"
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_group_is_there_readable_and_near() {
        let group = |class: &str, retention| FoundLogGroup { retention, class: class.to_owned() };
        for (found, region, verdict, advised) in [
            (None, "r", Verdict::No, true),
            (Some(group("DELIVERY", Some(30))), "r", Verdict::No, true),
            (Some(group("STANDARD", Some(30))), "r", Verdict::Ok, false),
            (Some(group("STANDARD", None)), "r", Verdict::Ok, true),
            (Some(group("STANDARD", Some(30))), "elsewhere", Verdict::Ok, true),
        ] {
            let judged = judge(("/ecs/app", region), "r", found.as_ref());
            assert_eq!((judged.verdict, judged.fix.is_some()), (verdict, advised), "{judged:?}");
        }
    }
}
