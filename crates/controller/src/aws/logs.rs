//! Owns GetLogEvents, on a client of the log group's own Region.

use super::access::Aws;
use super::error::AwsError;
use super::renewal::Renewal;
use crate::task::{LogPage, RawEvent};
use aws_config::Region;
use aws_sdk_cloudwatchlogs::operation::get_log_events::builders::GetLogEventsFluentBuilder;
use aws_sdk_cloudwatchlogs::types::OutputLogEvent;
use aws_smithy_types::retry::RetryConfig;

/// Reads one log stream.
#[derive(Debug, Clone)]
pub(crate) struct LogReader {
    client: aws_sdk_cloudwatchlogs::Client,
    renewal: Option<Renewal>,
    group: String,
    stream: String,
}

impl Aws {
    /// A reader of one stream, which asks once: its loop tries again.
    pub(crate) fn log_reader(&self, region: &str, group: &str, stream: &str) -> LogReader {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .build();
        LogReader {
            client: aws_sdk_cloudwatchlogs::Client::from_conf(config),
            renewal: self.renewal.clone(),
            group: group.to_owned(),
            stream: stream.to_owned(),
        }
    }
}

impl LogReader {
    /// The page at a cursor, or the first one. At the end of the stream the answer's cursor is the
    /// one that was asked for; later it returns what was written since.
    pub(crate) async fn page(&self, cursor: Option<&str>) -> Result<LogPage, AwsError> {
        Renewal::heed(self.renewal.as_ref(), self.ask(cursor).await).await
    }

    /// The newest events, at most `limit`, in one call.
    pub(crate) async fn last(&self, limit: i32) -> Result<Vec<RawEvent>, AwsError> {
        let answer = self
            .client
            .get_log_events()
            .log_group_name(&self.group)
            .log_stream_name(&self.stream)
            .start_from_head(false)
            .limit(limit)
            .send()
            .await
            .map_err(|error| AwsError::of("GetLogEvents", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        let event = |event: &OutputLogEvent| RawEvent {
            at: event.timestamp().unwrap_or_default(),
            message: event.message().unwrap_or_default().to_owned(),
        };
        Ok(answer.events().iter().map(event).collect())
    }

    async fn ask(&self, cursor: Option<&str>) -> Result<LogPage, AwsError> {
        let ask = self.request().start_from_head(true).set_next_token(cursor.map(str::to_owned));
        let answer = ask.send().await.map_err(|error| AwsError::of("GetLogEvents", error))?;
        // Every page has a token, the last one that of itself (CloudWatch Logs API, "GetLogEvents"): without
        // one the end of the log would be believed.
        if answer.next_forward_token().is_none() {
            return Err(AwsError::unreadable("GetLogEvents", 200, "it has no token"));
        }
        let events = answer.events().iter().map(raw).collect();
        Ok(LogPage { events, cursor: answer.next_forward_token().map(str::to_owned) })
    }

    /// One page at one end of the stream.
    pub(super) async fn once(&self, from: From) -> Result<Vec<RawEvent>, AwsError> {
        let ask = match from {
            From::Tail => self.request().start_from_head(false),
            From::Head(count) => self.request().start_from_head(true).limit(count),
        };
        let answer = ask.send().await.map_err(|error| AwsError::of("GetLogEvents", error));
        let answer = Renewal::heed(self.renewal.as_ref(), answer).await?;
        Ok(answer.events().iter().map(raw).collect())
    }

    fn request(&self) -> GetLogEventsFluentBuilder {
        let ask = self.client.get_log_events();
        ask.log_group_name(&self.group).log_stream_name(&self.stream)
    }
}

/// An end of a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    /// So many of the first events.
    Head(i32),
    /// A page of the last ones.
    Tail,
}

fn raw(event: &OutputLogEvent) -> RawEvent {
    RawEvent {
        at: event.timestamp().unwrap_or_default(),
        message: event.message().unwrap_or_default().to_owned(),
    }
}
