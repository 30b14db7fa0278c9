//! Owns which names a deployment's own blocks and calls may have made, or given to what was there: the
//! database knows them only afterwards, so that it has none of the name now says nothing. PURE.

use super::{Finding, Presence};
use crate::script::{Class, Script};

/// What the pending scripts do where no statement shows it, in their order.
#[derive(Debug, Default)]
pub struct Unseen {
    texts: Vec<String>,
}

impl Unseen {
    /// The finding, as it is behind the scripts read so far and what stands above it in `script`: with
    /// `IF EXISTS` too its table may be there by then.
    #[must_use]
    pub fn behind(&self, script: &Script, finding: Finding) -> Finding {
        let Some(table) = &finding.table else { return finding };
        let name = table.rsplit('.').next().unwrap_or(table);
        let names = |text: &str| {
            text.split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|word| word.eq_ignore_ascii_case(name))
        };
        let above =
            blocks(script).filter(|(line, _text)| *line < finding.line).map(|(_, text)| text);
        let is_named = self.texts.iter().map(String::as_str).chain(above).any(names);
        match finding.presence {
            Presence::Perhaps if is_named => Finding { presence: Presence::Needed, ..finding },
            Presence::Perhaps | Presence::Needed | Presence::Doubted => finding,
        }
    }

    /// Reads a script that comes before the next ones.
    pub fn read(&mut self, script: &Script) {
        self.texts.extend(blocks(script).map(|(_line, text)| text.to_owned()));
    }
}

/// Statements that do what their words do not show, with their lines.
fn blocks(script: &Script) -> impl Iterator<Item = (u32, &str)> {
    let opaque = script.statements.iter().filter(|one| one.class == Class::Opaque);
    opaque.map(|one| (one.line, script.text_of(one)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hazard::Rule;

    #[test]
    fn a_name_that_a_block_gives_may_be_there_by_then() {
        let block = Script::parse("DO $$ BEGIN ALTER TABLE users RENAME TO old; END $$;");
        let drop = Script::parse("-- old\nDROP TABLE IF EXISTS old;");
        let of = |table: &str| Finding {
            table: Some(table.to_owned()),
            presence: Presence::Perhaps,
            line: 2,
            ..Finding::of_file(Rule::DropTable, table, String::new())
        };
        let mut unseen = Unseen::default();
        assert_eq!(unseen.behind(&drop, of("old")).presence, Presence::Perhaps);
        unseen.read(&block);
        assert_eq!(unseen.behind(&drop, of("old")).presence, Presence::Needed);
        assert_eq!(unseen.behind(&drop, of("app.old")).presence, Presence::Needed);
        assert_eq!(unseen.behind(&drop, of("older")).presence, Presence::Perhaps);
        let both = Script::parse(
            "DO $$ BEGIN ALTER TABLE users RENAME TO old; END $$;\nDROP TABLE IF EXISTS old;",
        );
        assert_eq!(Unseen::default().behind(&both, of("old")).presence, Presence::Needed);
    }
}
