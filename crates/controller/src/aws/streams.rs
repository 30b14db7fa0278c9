//! Owns DescribeLogStreams, and the newest page of a stream: what is left of runs that ECS has
//! forgotten.

use super::access::Aws;
use super::error::AwsError;
use super::logs::{From, LogReader};
use super::patience::patient;
use crate::task::{LogPage, RawEvent};
use aws_config::Region;

/// A log stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FoundStream {
    pub(crate) name: String,
    /// Milliseconds since 1970. The times of its events lag by up to an hour, this one does not
    /// (CloudWatch Logs API, `LogStream`).
    pub(crate) created_at: i64,
}

impl Aws {
    /// All streams of a group whose names begin with `prefix`, by name: with a prefix CloudWatch
    /// gives no other order.
    pub(crate) async fn log_streams(
        &self,
        region: &str,
        group: &str,
        prefix: &str,
    ) -> Result<Vec<FoundStream>, AwsError> {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .build();
        let client = aws_sdk_cloudwatchlogs::Client::from_conf(config);
        let mut streams = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let answer = patient(|| async {
                let ask = client.describe_log_streams().log_group_name(group);
                let ask = ask.log_stream_name_prefix(prefix).set_next_token(token.clone());
                ask.send().await.map_err(|error| AwsError::of("DescribeLogStreams", error))
            })
            .await?;
            streams.extend(answer.log_streams().iter().map(|stream| FoundStream {
                name: stream.log_stream_name().unwrap_or_default().to_owned(),
                created_at: stream.creation_time().unwrap_or_default(),
            }));
            match answer.next_token() {
                Some(next) if token.as_deref() != Some(next) => token = Some(next.to_owned()),
                Some(_) | None => return Ok(streams),
            }
        }
    }
}

impl LogReader {
    /// As [`Self::page`], with patience for throttles: for who reads once.
    pub(crate) async fn patient_page(&self, cursor: Option<&str>) -> Result<LogPage, AwsError> {
        patient(|| self.page(cursor)).await
    }

    /// The newest lines: one page, which holds most runs whole.
    pub(crate) async fn newest(&self) -> Result<Vec<RawEvent>, AwsError> {
        patient(|| self.once(From::Tail)).await
    }

    /// The first few lines.
    pub(crate) async fn first(&self, count: i32) -> Result<Vec<RawEvent>, AwsError> {
        patient(|| self.once(From::Head(count))).await
    }
}
