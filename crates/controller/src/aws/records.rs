//! Owns FilterLogEvents: what runs of a family said in the end, out of the logs of all its tasks.

use super::access::Aws;
use super::error::AwsError;
use super::patience::patient;
use aws_config::Region;

/// Pages that are read: a filter over much else answers many empty ones.
const PAGES: usize = 500;

/// Where runs write.
#[derive(Debug, Clone)]
pub(crate) struct LogPlace<'a> {
    pub(crate) region: &'a str,
    pub(crate) group: &'a str,
    /// Of the streams' names.
    pub(crate) prefix: &'a str,
}

impl Aws {
    /// The lines with a text since a moment (milliseconds since 1970), in order of time.
    pub(crate) async fn lines_with(
        &self,
        place: &LogPlace<'_>,
        text: &str,
        since: i64,
    ) -> Result<Vec<(i64, String)>, AwsError> {
        let config = aws_sdk_cloudwatchlogs::config::Builder::from(&self.config)
            .region(Region::new(place.region.to_owned()))
            .build();
        let client = aws_sdk_cloudwatchlogs::Client::from_conf(config);
        let mut lines = Vec::new();
        let mut token: Option<String> = None;
        for _ in 0..PAGES {
            let answer = patient(|| async {
                client
                    .filter_log_events()
                    .log_group_name(place.group)
                    .log_stream_name_prefix(place.prefix)
                    .filter_pattern(format!("\"{text}\""))
                    .start_time(since)
                    .set_next_token(token.clone())
                    .send()
                    .await
                    .map_err(|error| AwsError::of("FilterLogEvents", error))
            })
            .await?;
            lines.extend(answer.events().iter().map(|event| {
                (
                    event.timestamp().unwrap_or_default(),
                    event.message().unwrap_or_default().to_owned(),
                )
            }));
            token = answer.next_token().map(str::to_owned);
            if token.is_none() {
                break;
            }
        }
        Ok(lines)
    }
}
