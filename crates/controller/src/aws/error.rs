//! Owns AWS errors: `operation: Code: message`, and which class decides what happens next.

use crate::error::{Error, Kind};
use crate::task::diagnosis;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error as StdError;
use std::fmt;

/// What an error means for the next step. Named by code, because ECS reports many things as
/// `ClientException` and `InvalidParameterException`; those are told apart by text, in
/// `task/diagnosis.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// Too many calls; nothing was done.
    Throttled,
    /// A 5xx, or an answer that cannot be read: it may have been done.
    ServerFault,
    /// No answer in time, or a broken connection: it may have been done.
    NoAnswer,
    /// The credentials are over; the SDK cannot renew them.
    CredentialsExpired,
    /// The credentials are over, and the next call gets others.
    CredentialsRenewed,
    /// There are none, or they are wrong.
    CredentialsRefused,
    /// A right is missing.
    AccessDenied,
    /// The log group or stream does not exist, or not yet.
    ResourceNotFound,
    /// Anything else that AWS refused.
    Refused,
}

/// An AWS call that failed.
#[derive(Debug, Clone)]
pub(crate) struct AwsError {
    pub(crate) operation: &'static str,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) class: Class,
}

impl AwsError {
    /// Turns the SDK's error of `operation` into ours.
    pub(super) fn of<E>(operation: &'static str, error: SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + Send + Sync + 'static,
    {
        match error {
            SdkError::ServiceError(context) => {
                let status = context.raw().status().as_u16();
                let error = context.err();
                if error.code().is_none() {
                    return Self::unreadable(operation, status, "no answer of AWS's");
                }
                let code = error.code().unwrap_or("UnknownError").to_owned();
                let message = error.message().unwrap_or("no message").to_owned();
                Self { class: classify(&code, &message, status), operation, code, message }
            }
            SdkError::TimeoutError(_) => Self {
                operation,
                code: "Timeout".to_owned(),
                message: "no answer in time".to_owned(),
                class: Class::NoAnswer,
            },
            SdkError::ResponseError(context) => {
                let status = context.raw().status().as_u16();
                let why = chain(&SdkError::<E, HttpResponse>::ResponseError(context));
                Self::unreadable(operation, status, &why)
            }
            SdkError::DispatchFailure(_) | SdkError::ConstructionFailure(_) => {
                Self::not_sent(operation, &chain(&error))
            }
            _ => Self::not_sent(operation, &chain(&error)),
        }
    }

    /// A page of HTML, a redirect, half an answer: something in between spoke, and the request may
    /// have been carried out.
    pub(super) fn unreadable(operation: &'static str, status: u16, why: &str) -> Self {
        Self {
            operation,
            code: "UnreadableAnswer".to_owned(),
            message: one_line(&format!("status {status}, {why}")),
            class: Class::ServerFault,
        }
    }

    fn not_sent(operation: &'static str, text: &str) -> Self {
        let credentials = ["credential", "identity", "sso", "token"]
            .iter()
            .any(|word| text.to_ascii_lowercase().contains(word));
        let text = text.trim_start_matches("dispatch failure: ").trim_start_matches("other: ");
        let (code, class) = if credentials {
            ("NoCredentials", Class::CredentialsRefused)
        } else {
            ("Unreachable", Class::NoAnswer)
        };
        Self { operation, code: code.to_owned(), message: one_line(text), class }
    }

    /// Whether an answer had begun, or a connection that stood was lost: somebody is there.
    pub(super) fn is_cut_off(&self) -> bool {
        let said = self.message.to_ascii_lowercase();
        ["incomplete", "closed before", "reset by peer", "unexpected end", "unexpected eof"]
            .iter()
            .any(|word| said.contains(word))
    }

    /// Whether the same call may succeed later without anybody doing anything.
    pub(crate) fn is_transient(&self) -> bool {
        match self.class {
            Class::Throttled | Class::ServerFault | Class::NoAnswer | Class::CredentialsRenewed => {
                true
            }
            Class::CredentialsExpired
            | Class::CredentialsRefused
            | Class::AccessDenied
            | Class::ResourceNotFound
            | Class::Refused => diagnosis::of_request(&self.evidence()).is_some_and(|f| f.retry),
        }
    }

    /// Code and message, as the catalogue of causes reads them.
    pub(crate) fn evidence(&self) -> String {
        format!("{}: {}", self.code, self.message)
    }

    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        let catalogued = diagnosis::of_request(&self.evidence()).map(|finding| finding.hint);
        catalogued.or_else(|| match self.class {
            Class::AccessDenied => Some(format!(
                "allow the action {} to the role that runs ecs-migrate",
                self.action()
            )),
            Class::NoAnswer => Some(
                "check the network, the Region and AWS_ENDPOINT_URL; then run again".to_owned(),
            ),
            Class::Throttled | Class::ServerFault => Some("run again later".to_owned()),
            Class::CredentialsExpired => Some(
                "get new credentials (in GitHub: `permissions: id-token: write` and --oidc-role, \
                 or a longer role-duration-seconds)"
                    .to_owned(),
            ),
            Class::CredentialsRenewed => None,
            Class::CredentialsRefused => Some(
                "check the credentials: AWS_PROFILE, AWS_ACCESS_KEY_ID and its kin, or the step \
                 aws-actions/configure-aws-credentials"
                    .to_owned(),
            ),
            Class::ResourceNotFound | Class::Refused => None,
        })
    }

    /// The hint of an error that does not pass by itself: for who goes on anyway.
    pub(crate) fn lasting_hint(&self) -> Option<String> {
        if self.is_transient() { None } else { self.hint() }
    }

    /// The action of IAM that it needs.
    pub(crate) fn action(&self) -> String {
        denied_action(&self.message).unwrap_or_else(|| self.own_action())
    }

    fn own_action(&self) -> String {
        let service = match self.operation {
            "GetLogEvents" | "FilterLogEvents" | "DescribeLogGroups" | "DescribeLogStreams" => {
                "logs"
            }
            "BatchGetImage" | "GetDownloadUrlForLayer" => "ecr",
            "GetRole" | "SimulatePrincipalPolicy" => "iam",
            "DescribeSecret" | "GetSecretValue" => "secretsmanager",
            "GetCallerIdentity" => "sts",
            _ => "ecs",
        };
        format!("{service}:{}", self.operation)
    }
}

impl fmt::Display for AwsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}: {}", self.operation, self.code, self.message)
    }
}

impl StdError for AwsError {}

impl From<AwsError> for Error {
    fn from(error: AwsError) -> Self {
        let refused = Self::new(Kind::AwsRefused, error.to_string());
        match error.hint() {
            Some(hint) => refused.hinted(hint),
            None => refused,
        }
    }
}

fn classify(code: &str, message: &str, status: u16) -> Class {
    match code {
        "ThrottlingException"
        | "Throttling"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => Class::Throttled,
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => Class::CredentialsExpired,
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationTokenException"
        | "MissingAuthenticationToken" => Class::CredentialsRefused,
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" => Class::AccessDenied,
        "ResourceNotFoundException" => Class::ResourceNotFound,
        "ServerException"
        | "InternalFailure"
        | "ServiceUnavailableException"
        | "ServiceUnavailable" => Class::ServerFault,
        _ if status >= 500 => Class::ServerFault,
        _ if message.contains("is not authorized to perform") => Class::AccessDenied,
        _ => Class::Refused,
    }
}

/// The SDK lists what it tried on lines of their own.
fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.join("; ")
}

/// `iam:PassRole` out of "… is not authorized to perform: iam:PassRole on resource: …".
fn denied_action(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    rest.split_whitespace().next().map(str::to_owned)
}

/// An error and its causes in one line, without what was said already.
fn chain(error: &dyn StdError) -> String {
    let mut text = String::new();
    let mut next = Some(error);
    while let Some(cause) = next {
        let said = cause.to_string();
        if !said.is_empty() && !text.contains(&said) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&said);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: &str, message: &str) -> AwsError {
        AwsError {
            operation: "RunTask",
            code: code.to_owned(),
            message: message.to_owned(),
            class: classify(code, message, 400),
        }
    }

    #[test]
    fn codes_and_texts_decide_the_class() {
        for (code, message, class, transient) in [
            ("ThrottlingException", "Rate exceeded", Class::Throttled, true),
            ("ExpiredTokenException", "expired", Class::CredentialsExpired, false),
            ("ClusterNotFoundException", "Cluster not found.", Class::Refused, false),
            (
                "InvalidParameterException",
                "Error retrieving subnet information for [subnet-1]: Rate exceeded (ErrorCode: Throttling)",
                Class::Refused,
                true,
            ),
            (
                "ClientException",
                "ECS was unable to assume the role 'arn:x' that was provided for this task.",
                Class::Refused,
                true,
            ),
            ("ServerException", "", Class::ServerFault, true),
        ] {
            let error = refused(code, message);
            assert_eq!(error.class, class, "{code}");
            assert_eq!(error.is_transient(), transient, "{code}: {message}");
        }
    }

    #[test]
    fn something_in_between_is_no_answer_of_aws() {
        let error = AwsError::unreadable("DescribeTaskDefinition", 302, "<html>\n moved");
        assert!(error.is_transient());
        assert_eq!(
            error.to_string(),
            "DescribeTaskDefinition: UnreadableAnswer: status 302, <html>; moved"
        );
    }

    #[test]
    fn a_missing_right_names_the_action() {
        let error = refused(
            "AccessDeniedException",
            "User: arn:x is not authorized to perform: ecs:StopTask on resource: arn:y",
        );
        assert_eq!(
            error.hint().unwrap(),
            "allow the action ecs:StopTask to the role that runs ecs-migrate"
        );
        assert!(error.to_string().starts_with("RunTask: AccessDeniedException: User"));
    }
}
