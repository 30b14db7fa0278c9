//! Owns the forms of the migration image.

use super::human::QUIET;
use super::writer::Rendered;
use crate::image::{Fate, Packed};
use crate::words;
use serde_json::{Value, json};

/// The name for a script, the sentence for a person.
pub(super) fn rendered(packed: &Packed) -> Rendered {
    let said = format!("{QUIET}{}{QUIET:#}\n", sentence(packed));
    Rendered { out: format!("{}\n", packed.name), err: said }
}

/// What was made and where it went.
fn sentence(packed: &Packed) -> String {
    let Packed { platform, size, migrations, fate, .. } = packed;
    let what = format!(
        "image for {platform} with {}, {}",
        words::count(*migrations as u64, "migration"),
        words::size(*size)
    );
    match fate {
        Fate::Pushed { tag, uploaded: 0 } => format!("{what}: tag {tag}, every layer was there"),
        Fate::Pushed { tag, uploaded } => {
            format!("{what}: tag {tag}, {} uploaded", words::size(*uploaded))
        }
        Fate::There { tag } => format!("{what}: was there as tag {tag}, nothing uploaded"),
        Fate::Written => format!("{what}: written"),
        Fate::Shown => format!("{what}: not pushed"),
    }
}

/// For a program.
pub(super) fn object(packed: &Packed) -> Value {
    let (fate, tag, uploaded) = match &packed.fate {
        Fate::Pushed { tag, uploaded } => ("pushed", Some(tag), *uploaded),
        Fate::There { tag } => ("there", Some(tag), 0),
        Fate::Written => ("written", None, 0),
        Fate::Shown => ("shown", None, 0),
    };
    json!({
        "type": "image",
        "image": packed.name,
        "digest": packed.digest,
        "platform": packed.platform.to_string(),
        "size": packed.size,
        "migrations": packed.migrations,
        "fate": fate,
        "tag": tag,
        "uploaded": uploaded,
    })
}
