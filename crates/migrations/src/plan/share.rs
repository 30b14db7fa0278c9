//! Owns which share of a plan is applied: before the rollout of the new code, after it, or both.
//!
//! A migration that waits for the rollout is pending like any other, and the order holds: what is
//! newer than it cannot be applied before it without a permission by name.

use super::{Allowances, Blocker, Difference, Plan};
use crate::Migration;
use crate::order;

/// A share of the pending migrations.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Share {
    /// Everything, in its order.
    #[default]
    All,
    /// What the old code survives.
    Expand,
    /// What waited for the new code.
    Contract,
}

impl Plan {
    /// The plan for a share; what waits for the rollout is in [`Plan::waiting`].
    pub fn share(mut self, share: Share, allowances: &Allowances) -> Result<Self, Blocker> {
        if share == Share::All {
            return Ok(self);
        }
        let (after, before): (Vec<_>, Vec<_>) =
            self.pending.into_iter().partition(Migration::waits_for_rollout);
        let newest = |names: &[Migration]| names.last().map(|one| one.name.clone());
        // Whoever is overtaken, by whom: in both shares the older one is not applied now.
        let (left, taken) = match share {
            Share::All | Share::Expand => (&after, newest(&before)),
            Share::Contract => (&before, newest(&after)),
        };
        let overtaken = left.iter().filter_map(|older| {
            let by = taken.clone().filter(|by| order::compare(&older.name, by).is_lt())?;
            Some(Difference::Overtaken { name: older.name.clone(), by })
        });
        let (allowed, forbidden): (Vec<_>, Vec<_>) = overtaken.partition(|difference| {
            allowances.everything || allowances.permissions.contains(&difference.permission())
        });
        if !forbidden.is_empty() {
            return Err(Blocker::Differs(forbidden));
        }
        self.allowed.extend(allowed);
        let names = |left: Vec<Migration>| left.into_iter().map(|one| one.name).collect();
        match share {
            Share::All | Share::Expand => (self.pending, self.waiting) = (before, names(after)),
            Share::Contract => (self.pending, self.left) = (after, names(before)),
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Directory, Migration};

    /// A plan of nothing but pending migrations; those with a star wait for the rollout.
    fn shared(
        names: &[&str],
        share: Share,
        allow: &str,
    ) -> Result<(Vec<String>, Vec<String>), Vec<String>> {
        let root = tempfile::tempdir().unwrap();
        for name in names {
            let folder = root.path().join(name.trim_end_matches('*'));
            std::fs::create_dir_all(&folder).unwrap();
            let head =
                if name.ends_with('*') { "-- ecs-migrate: phase=after-deploy\n" } else { "" };
            std::fs::write(folder.join("migration.sql"), format!("{head}SELECT 1;")).unwrap();
        }
        let directory = Directory::read(root.path()).unwrap();
        let allowances: Allowances =
            if allow.is_empty() { Allowances::default() } else { allow.parse().unwrap() };
        let plan = Plan::make(&directory, &[], &allowances).unwrap();
        let names = |pending: Vec<Migration>| pending.into_iter().map(|one| one.name).collect();
        match plan.share(share, &allowances) {
            Ok(plan) => Ok((names(plan.pending), plan.waiting)),
            Err(Blocker::Differs(found)) => Err(found.iter().map(Difference::permission).collect()),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_order_holds_in_every_share() {
        let list = |names: &[&str]| names.iter().map(ToString::to_string).collect::<Vec<_>>();
        let usual = ["1", "2", "3*"];
        assert_eq!(shared(&usual, Share::All, ""), Ok((list(&["1", "2", "3"]), list(&[]))));
        assert_eq!(shared(&usual, Share::Expand, ""), Ok((list(&["1", "2"]), list(&["3"]))));
        assert_eq!(shared(&["3*"], Share::Contract, ""), Ok((list(&["3"]), list(&[]))));
        let crossed = ["1", "2*", "3"];
        let refused = Err(list(&["out-of-order:2"]));
        assert_eq!(shared(&crossed, Share::Expand, ""), refused);
        let allowed = shared(&crossed, Share::Expand, "out-of-order:2");
        assert_eq!(allowed, Ok((list(&["1", "3"]), list(&["2"]))));
        assert_eq!(
            shared(&usual, Share::Contract, ""),
            Err(list(&["out-of-order:1", "out-of-order:2"]))
        );
        assert_eq!(shared(&["1"], Share::Contract, ""), Ok((list(&[]), list(&[]))));
    }
}
