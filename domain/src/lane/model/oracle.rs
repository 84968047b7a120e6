//! Whether all went well in the [model](super): what each message did, in which order, and what its device was told.

use std::collections::BTreeMap;

use super::world::{Kind, World, at_once};
use crate::{buffer::Standing, ports::Buffer as _};

impl World {
    /// What is wrong, if something is.
    pub(super) fn judge(&self) -> Result<(), String> {
        let mut at = BTreeMap::<usize, Vec<usize>>::new();
        for (place, (_, truth)) in self.database.effects.iter().enumerate() {
            at.entry(*truth).or_default().push(place);
        }
        let count = |truth: &usize| at.get(truth).map_or(0, Vec::len);
        for (truth, told) in self.truth.iter().enumerate() {
            let expected = match told.kind {
                // Once it was asked for again, and is no dead letter any more.
                _ if self.database.was_replayed(truth) => 1,
                Kind::Plain if !told.discarded && !self.database.was_dead(truth) => 1,
                _ => 0,
            };
            let found = count(&truth);
            let is_right = if told.excused { found <= 1 } else { found == expected };
            if !is_right {
                return Err(format!("message {truth} ({told:?}) has had its effect {found} times"));
            }
        }
        for device in &self.devices {
            for (lane, history) in &device.history {
                let places: Vec<_> = history
                    .iter()
                    .filter(|(_, truth)| !self.truth[*truth].excused && !self.database.was_dead(*truth))
                    .filter_map(|(_, truth)| at.get(truth).map(|places| (places[0], truth)))
                    .collect();
                if !places.is_sorted() {
                    return Err(format!("{lane} of {} was out of order: {places:?}", device.name));
                }
                for (identity, truth) in history {
                    self.was_told(device, *identity, *truth, count(truth))?;
                }
            }
        }
        Ok(())
    }

    fn was_told(
        &self,
        device: &super::devices::Device,
        identity: crate::buffer::Identity,
        truth: usize,
        effects: usize,
    ) -> Result<(), String> {
        let told = &self.truth[truth];
        let entry = at_once(device.buffer.find(identity)).map_err(|error| error.to_string())?;
        let standing = entry.map(|entry| entry.standing);
        let is_right = match &standing {
            _ if told.excused => true,
            None => told.discarded,
            Some(Standing::Handled(_)) => effects == 1,
            Some(Standing::Refused(_)) => told.kind == Kind::Large,
            Some(Standing::Dead(_)) => self.database.was_dead(truth),
            Some(_) => false,
        };
        if is_right {
            Ok(())
        } else {
            Err(format!("{} was told {standing:?} of message {truth} ({told:?})", device.name))
        }
    }
}
