//! Owns what a release adds to the page of its migration.

use super::super::super::release;
use super::super::Seen;
use super::{Model, Service, Tone, exit, pair};
use crate::service::Released;
use crate::task::class_name;
use crate::words;
use protocol::ExitCode;

impl Model {
    pub(super) fn released(&mut self, released: &Released, seen: &Seen, now: i64) {
        let scrub = &seen.scrub;
        if let Some(conclusion) = &released.migration {
            self.concluded(conclusion, seen, now);
            let migration = pair(scrub, "migration", &conclusion.sentence);
            self.advice.insert(0, migration);
        }
        let more = [
            ("without proof", released.unproved.clone()),
            ("after-deploy", released.contract.sentence()),
        ];
        for (name, text) in more {
            self.advice.extend(text.as_ref().map(|text| pair(scrub, name, text)));
        }
        let class = released.class();
        self.tone = if released.is_good() {
            Tone::Good
        } else if [ExitCode::Detached, ExitCode::Cancelled].contains(&class) {
            Tone::Care
        } else {
            Tone::Bad
        };
        self.word = if released.is_good() { "OK" } else { "NOT GREEN" };
        self.sentence = scrub.text(&released.sentence());
        self.exit = Some(exit(scrub, class.code(), &class_name(class)));
        self.services = released
            .services
            .iter()
            .map(|ending| {
                let took = words::duration(ending.duration);
                let own = [("definition", ending.definition.as_str()), ("took", &took)];
                let own = own.into_iter().chain(release::of_service(ending));
                Service {
                    name: scrub.text(&ending.service),
                    good: ending.is_good(),
                    sentence: scrub.text(&ending.sentence),
                    rows: own.map(|(name, text)| pair(scrub, name.trim(), text)).collect(),
                    last_lines: ending.last_lines.iter().map(|line| scrub.text(line)).collect(),
                }
            })
            .collect();
    }
}
