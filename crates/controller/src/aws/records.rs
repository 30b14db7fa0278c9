//! Owns FilterLogEvents: what runs of a family said in the end, out of the logs of all its tasks.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use aws_config::Region;

/// Pages that are read: a filter over much else answers many empty ones. At the five calls a second
/// that some Regions allow it is a minute and a half.
const PAGES: usize = 500;

/// Where runs write.
#[derive(Debug, Clone)]
pub(crate) struct LogPlace<'a> {
    pub(crate) region: &'a str,
    pub(crate) group: &'a str,
    /// Of the streams' names.
    pub(crate) prefix: &'a str,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Search<'a> {
    pub(crate) text: &'a str,
    /// Milliseconds since 1970, by the lines' own times.
    pub(crate) from: i64,
    /// None is to the end, whatever a host takes for the time.
    pub(crate) to: Option<i64>,
}

/// A line as the log has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredLine {
    /// The log's own id of it.
    pub(crate) id: String,
    /// When the log took it, by the log's clock.
    pub(crate) taken_at: i64,
    pub(crate) stream: String,
    pub(crate) text: String,
}

/// How much was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Whole,
    /// There are pages left.
    Part,
}

impl Aws {
    /// The lines with a text, in no order, and whether they are all.
    pub(crate) async fn lines_with(
        &self,
        place: &LogPlace<'_>,
        search: Search<'_>,
    ) -> Result<(Vec<StoredLine>, Extent), AwsError> {
        let client = self.logs_in(place.region);
        let mut lines = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let answer = patient(|| async {
                client
                    .filter_log_events()
                    .log_group_name(place.group)
                    .log_stream_name_prefix(place.prefix)
                    .filter_pattern(format!("\"{}\"", search.text))
                    .start_time(search.from)
                    .set_end_time(search.to)
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|error| AwsError::of("FilterLogEvents", error))
                    .and_then(|answer| match (&answer.events, answer.next_token()) {
                        // No line is an empty list.
                        (None, None) => {
                            Err(AwsError::unreadable("FilterLogEvents", 200, "it lists nothing"))
                        }
                        (Some(_), _) | (_, Some(_)) => Ok(answer),
                    })
            })
            .await?;
            lines.extend(answer.events().iter().map(|event| StoredLine {
                id: event.event_id().unwrap_or_default().to_owned(),
                taken_at: event.ingestion_time().or(event.timestamp()).unwrap_or_default(),
                stream: event.log_stream_name().unwrap_or_default().to_owned(),
                text: event.message().unwrap_or_default().to_owned(),
            }));
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                return Ok((lines, Extent::Whole));
            }
        }
        Ok((lines, Extent::Part))
    }

    /// When the log took the last line of a stream.
    pub(crate) async fn last_line_at(
        &self,
        place: &LogPlace<'_>,
        stream: &str,
    ) -> Result<Option<i64>, AwsError> {
        let client = self.logs_in(place.region);
        let answer = patient(|| async {
            let ask = client.get_log_events().log_group_name(place.group).log_stream_name(stream);
            let ask = ask.start_from_head(false).limit(1).send().await;
            ask.map_err(|error| AwsError::of("GetLogEvents", error))
        })
        .await?;
        let last = answer.events().last();
        Ok(last.and_then(|event| event.ingestion_time().or(event.timestamp())))
    }

    fn logs_in(&self, region: &str) -> aws_sdk_cloudwatchlogs::Client {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(region.to_owned()))
            .build();
        aws_sdk_cloudwatchlogs::Client::from_conf(config)
    }
}
