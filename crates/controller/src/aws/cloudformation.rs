//! Owns CloudFormation: stacks, change sets and events.

use super::access::Aws;
use super::error::AwsError;
use super::form::{Form, find, members, text};
use super::signed::{Host, Service};
use crate::infrastructure::{
    ChangeSet, ChangeSetKind, ChangeSetRequest, ResourceChange, Stack, StackEvent, StackResource,
};
use roxmltree::Node;
use std::collections::BTreeMap;

const SERVICE: Service = Service {
    id: "cloudformation",
    signing_name: "cloudformation",
    host: Host::Regional("cloudformation"),
    target: "",
};

fn form(operation: &'static str) -> Form {
    Form::new(operation, "2010-05-15")
}

impl Aws {
    /// A stack by name or ARN. By name a deleted one is not there; by ARN it is, for 90 days.
    pub(crate) async fn stack(&self, name: &str) -> Result<Option<Stack>, AwsError> {
        let form = form("DescribeStacks").with("StackName", name);
        match self.submit(SERVICE, form, |root| find(root, "member").map(stack)).await {
            Err(error) if says_absent(&error) => Ok(None),
            answer => answer,
        }
    }

    /// The resources of a stack, without those that are deleted.
    pub(crate) async fn stack_resources(&self, name: &str) -> Result<Vec<StackResource>, AwsError> {
        let form = form("DescribeStackResources").with("StackName", name);
        let read = |root: Node<'_, '_>| {
            let list = find(root, "DescribeStackResourcesResult");
            let found = list.into_iter().flat_map(|list| members(list, "StackResources"));
            found
                .map(|member| StackResource {
                    logical_id: text(member, "LogicalResourceId"),
                    physical_id: text(member, "PhysicalResourceId"),
                    kind: text(member, "ResourceType"),
                    status: text(member, "ResourceStatus"),
                })
                .filter(|resource| {
                    !matches!(resource.status.as_str(), "DELETE_COMPLETE" | "DELETE_SKIPPED")
                })
                .collect()
        };
        match self.submit(SERVICE, form, read).await {
            Err(error) if says_absent(&error) => Ok(Vec::new()),
            answer => answer,
        }
    }

    /// Asks for a change set. That it is there already is the answer to a repeated call: its name
    /// is used once.
    pub(crate) async fn create_change_set(
        &self,
        request: &ChangeSetRequest<'_>,
    ) -> Result<(), AwsError> {
        let kind = match request.kind {
            ChangeSetKind::Create => "CREATE",
            ChangeSetKind::Update => "UPDATE",
        };
        let form = form("CreateChangeSet")
            .with("StackName", request.stack)
            .with("ChangeSetName", request.name)
            .with("ChangeSetType", kind)
            .with("ClientToken", request.name)
            .with("TemplateBody", request.template)
            .with("Capabilities.member.1", "CAPABILITY_NAMED_IAM")
            .pairs("Parameters", ("ParameterKey", "ParameterValue"), request.parameters)
            .pairs("Tags", ("Key", "Value"), request.tags);
        match self.submit(SERVICE, form, |_| ()).await {
            Err(error) if error.code == "AlreadyExistsException" => Ok(()),
            answer => answer,
        }
    }

    /// A change set with all its changes.
    pub(crate) async fn change_set(&self, stack: &str, name: &str) -> Result<ChangeSet, AwsError> {
        let mut whole: Option<ChangeSet> = None;
        let mut token = String::new();
        loop {
            let mut form =
                form("DescribeChangeSet").with("StackName", stack).with("ChangeSetName", name);
            if !token.is_empty() {
                form = form.with("NextToken", &token);
            }
            let (page, next) = self
                .submit(SERVICE, form, |root| {
                    let result = find(root, "DescribeChangeSetResult").unwrap_or(root);
                    (change_set(result), text(result, "NextToken"))
                })
                .await?;
            match &mut whole {
                None => whole = Some(page),
                Some(whole) => whole.changes.extend(page.changes),
            }
            match whole {
                Some(whole) if next.is_empty() => return Ok(whole),
                _ => token = next,
            }
        }
    }

    /// Carries a change set out. That it is being carried out is the answer to a repeated call.
    pub(crate) async fn execute_change_set(&self, stack: &str, name: &str) -> Result<(), AwsError> {
        let form = form("ExecuteChangeSet")
            .with("StackName", stack)
            .with("ChangeSetName", name)
            .with("ClientRequestToken", name);
        match self.submit(SERVICE, form, |_| ()).await {
            Err(error)
                if error.code.starts_with("InvalidChangeSetStatus")
                    && error.message.contains("EXECUTE_") =>
            {
                Ok(())
            }
            answer => answer,
        }
    }

    /// Forgets a change set that was not carried out.
    pub(crate) async fn delete_change_set(&self, stack: &str, name: &str) -> Result<(), AwsError> {
        let form = form("DeleteChangeSet").with("StackName", stack).with("ChangeSetName", name);
        self.submit(SERVICE, form, |_| ()).await
    }

    /// Deletes a stack; the token marks its events.
    pub(crate) async fn delete_stack(&self, stack: &str, token: &str) -> Result<(), AwsError> {
        let form = form("DeleteStack").with("StackName", stack).with("ClientRequestToken", token);
        self.submit(SERVICE, form, |_| ()).await
    }

    /// Goes on with a rollback that failed; the token marks its events.
    pub(crate) async fn continue_rollback(&self, stack: &str, token: &str) -> Result<(), AwsError> {
        let form = form("ContinueUpdateRollback")
            .with("StackName", stack)
            .with("ClientRequestToken", token);
        self.submit(SERVICE, form, |_| ()).await
    }

    /// The newest page of events, newest first: a hundred, more than a stack of ours has in an
    /// operation.
    pub(crate) async fn stack_events(&self, stack: &str) -> Result<Vec<StackEvent>, AwsError> {
        let form = form("DescribeStackEvents").with("StackName", stack);
        self.submit(SERVICE, form, |root| {
            let list = find(root, "DescribeStackEventsResult");
            let found = list.into_iter().flat_map(|list| members(list, "StackEvents"));
            found
                .map(|member| StackEvent {
                    id: text(member, "EventId"),
                    token: text(member, "ClientRequestToken"),
                    logical_id: text(member, "LogicalResourceId"),
                    kind: text(member, "ResourceType"),
                    status: text(member, "ResourceStatus"),
                    reason: text(member, "ResourceStatusReason"),
                })
                .collect()
        })
        .await
    }
}

/// A stack that does not exist is a `ValidationError`, not a type of its own.
fn says_absent(error: &AwsError) -> bool {
    error.code == "ValidationError" && error.message.contains("does not exist")
}

fn stack(member: Node<'_, '_>) -> Stack {
    let pairs = |list: &str, key: &str, value: &str| -> BTreeMap<String, String> {
        members(member, list).map(|pair| (text(pair, key), text(pair, value))).collect()
    };
    Stack {
        id: text(member, "StackId"),
        name: text(member, "StackName"),
        status: text(member, "StackStatus"),
        reason: text(member, "StackStatusReason"),
        parameters: pairs("Parameters", "ParameterKey", "ParameterValue"),
        outputs: pairs("Outputs", "OutputKey", "OutputValue"),
        tags: pairs("Tags", "Key", "Value"),
    }
}

fn change_set(result: Node<'_, '_>) -> ChangeSet {
    let changes = members(result, "Changes").filter_map(|change| {
        let change = find(change, "ResourceChange")?;
        let causes = members(change, "Details").map(|detail| {
            let target = find(detail, "Target");
            let part = |name| target.map(|target| text(target, name)).unwrap_or_default();
            let property = Some(part("Name")).filter(|name| !name.is_empty());
            (property.unwrap_or_else(|| part("Attribute")), text(detail, "CausingEntity"))
        });
        Some(ResourceChange {
            action: text(change, "Action"),
            policy_action: text(change, "PolicyAction"),
            logical_id: text(change, "LogicalResourceId"),
            physical_id: text(change, "PhysicalResourceId"),
            kind: text(change, "ResourceType"),
            replacement: text(change, "Replacement"),
            causes: causes.collect(),
        })
    });
    ChangeSet {
        stack_id: text(result, "StackId"),
        status: text(result, "Status"),
        reason: text(result, "StatusReason"),
        changes: changes.collect(),
    }
}
