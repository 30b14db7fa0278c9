//! Owns what a release adds to the page of its migration.

use super::super::super::release;
use super::super::Seen;
use super::{Model, Service, Tone, exit, pair};
use crate::service::{Contract, Released};
use crate::task::{DatabaseMeaning, class_name};
use crate::words;
use protocol::ExitCode;

impl Model {
    pub(super) fn released(&mut self, released: &Released, seen: &Seen, now: i64) {
        let scrub = &seen.scrub;
        if let Some(migration) = &released.migration {
            // What ended red is what the page is about.
            let shown = match &released.contract {
                Contract::NotGreen(_, conclusion) => conclusion,
                Contract::Nothing
                | Contract::Pending(_)
                | Contract::Applied(_)
                | Contract::NotRun(..) => migration,
            };
            self.concluded(shown, seen, now);
            self.advice.insert(0, pair(scrub, "migration", &migration.sentence));
        }
        self.not_run(&released.contract, seen);
        let more = [
            ("without proof", released.unproved.clone()),
            ("after-deploy", released.contract.sentence()),
        ];
        for (name, text) in more {
            self.advice.extend(text.as_ref().map(|text| pair(scrub, name, text)));
        }
        let (code, class) = released.exit();
        self.tone = if released.is_good() {
            Tone::Good
        } else if [ExitCode::Detached, ExitCode::Cancelled].map(class_name).contains(&class) {
            Tone::Care
        } else {
            Tone::Bad
        };
        self.word = if released.is_good() { "OK" } else { "NOT GREEN" };
        self.sentence = scrub.text(&released.sentence());
        self.exit = Some(exit(scrub, code, &class));
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

    /// What could not follow the rollouts; it may say less of the database than the migration did.
    fn not_run(&mut self, contract: &Contract, seen: &Seen) {
        let Contract::NotRun(..) = contract else { return };
        let scrub = &seen.scrub;
        self.advice.retain(|(name, _)| name.as_str() != "database");
        let meaning = contract.database().map(DatabaseMeaning::sentence);
        self.advice.extend(meaning.map(|meaning| pair(scrub, "database", meaning)));
        for (name, text) in release::of_contract(contract) {
            let name = if name == "fix" { "what to do" } else { name };
            self.advice.push(pair(scrub, name, &text));
        }
    }
}
