//! Devices in memory.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{
    auth::ClientKind,
    credentials::{PublicKey, UserJwt},
    identity::{DeviceId, UserId},
    ports::{Device, Renewal, Session, SessionId, StoreError, TokenHash},
};

/// Devices in memory, gone with the value. It knows no users, so it takes devices of anybody.
#[derive(Default)]
pub struct Devices {
    devices: Mutex<Vec<Device>>,
    /// When the last JWT of a key ends, of every key there was; `None` is never.
    held_until: Mutex<HashMap<PublicKey, Option<Timestamp>>>,
    /// Keys of removed devices, and whether they are pruned.
    removed: Mutex<HashMap<PublicKey, bool>>,
}

impl Devices {
    fn hold(&self, key: &PublicKey, until: Option<Timestamp>) {
        let mut held = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        let own = held.entry(key.clone()).or_insert(until);
        *own = own.zip(until).map(|(own, until)| own.max(until));
    }

    fn go_on(&self, device: &mut Device, renewal: &Renewal) -> Device {
        let Renewal { seen_at, expires_at, session } = renewal.clone();
        (device.seen_at, device.expires_at, device.session) = (seen_at, expires_at, Some(session));
        self.hold(&device.key, expires_at);
        device.clone()
    }

    fn removed(&self) -> MutexGuard<'_, HashMap<PublicKey, bool>> {
        self.removed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Device>> {
        self.devices.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl crate::ports::Devices for Devices {
    async fn insert(&self, device: Device, limit: usize) -> Result<(), StoreError> {
        let mut devices = self.lock();
        let ended = |own: &Device| own.user == device.user && own.has_ended(device.created_at);
        let mut held = devices.iter().filter(|own| !ended(own));
        if held.clone().any(|own| own.key == device.key || own.id == device.id) {
            return Err(StoreError::Taken);
        }
        let count = held.by_ref().filter(|own| own.user == device.user).count();
        let left_behind = |own: &&Device| {
            let browser =
                own.session.as_ref().is_some_and(|session| session.client == ClientKind::Browser && !session.ended);
            browser && own.user == device.user && own.expires_at.is_some_and(|end| end <= device.created_at)
        };
        let left_behind = devices.iter().filter(|own| !ended(own)).filter(left_behind);
        let gives_way = left_behind.min_by_key(|own| own.seen_at).map(|own| own.id.clone());
        let gives_way = gives_way.filter(|_| count >= limit);
        if count - usize::from(gives_way.is_some()) >= limit {
            return Err(StoreError::Full(count));
        }
        devices.retain(|own| !ended(own) && Some(&own.id) != gives_way.as_ref());
        self.hold(&device.key, device.expires_at);
        devices.push(device);
        Ok(())
    }

    async fn renew(&self, user: &UserId, key: &PublicKey, renewal: &Renewal) -> Result<Option<Device>, StoreError> {
        let mut devices = self.lock();
        let device = devices.iter_mut().find(|own| own.user == *user && own.key == *key);
        Ok(device.map(|device| self.go_on(device, renewal)))
    }

    async fn of_session(&self, session: &SessionId) -> Result<Option<Device>, StoreError> {
        Ok(self.lock().iter().find(|own| own.session.as_ref().is_some_and(|own| own.id == *session)).cloned())
    }

    async fn rotate(
        &self,
        expected: &TokenHash,
        renewal: &Renewal,
        jwt: &UserJwt,
    ) -> Result<Option<Device>, StoreError> {
        let mut devices = self.lock();
        let good = |own: &Session| own.id == renewal.session.id && own.token == *expected && !own.ended;
        let device = devices.iter_mut().find(|own| own.session.as_ref().is_some_and(good));
        Ok(device.map(|device| {
            device.jwt = Some(jwt.clone());
            self.go_on(device, renewal)
        }))
    }

    async fn end_session(&self, session: &SessionId) -> Result<(), StoreError> {
        let mut devices = self.lock();
        let found = devices.iter_mut().filter_map(|own| own.session.as_mut()).find(|own| own.id == *session);
        if let Some(found) = found {
            found.ended = true;
        }
        Ok(())
    }

    async fn to_be_removed(&self, limit: usize) -> Result<Vec<Device>, StoreError> {
        let ended = |own: &&Device| own.session.as_ref().is_some_and(|session| session.ended);
        Ok(self.lock().iter().filter(ended).take(limit).cloned().collect())
    }

    async fn keep_jwt(&self, user: &UserId, key: &PublicKey, jwt: &UserJwt) -> Result<(), StoreError> {
        if let Some(device) = self.lock().iter_mut().find(|own| own.user == *user && own.key == *key) {
            device.jwt = Some(jwt.clone());
        }
        Ok(())
    }

    async fn all(&self, after: Option<DeviceId>, limit: usize) -> Result<Vec<Device>, StoreError> {
        let mut all: Vec<_> =
            self.lock().iter().filter(|own| after.as_ref().is_none_or(|after| own.id > *after)).cloned().collect();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        all.truncate(limit);
        Ok(all)
    }

    async fn forget_ended(&self, now: Timestamp) -> Result<usize, StoreError> {
        let mut devices = self.lock();
        let before = devices.len();
        devices.retain(|own| !own.has_ended(now));
        Ok(before - devices.len())
    }

    async fn was_removed(&self, key: &PublicKey) -> Result<bool, StoreError> {
        Ok(self.removed().contains_key(key))
    }

    async fn prunable(&self, now: Timestamp, limit: usize) -> Result<Vec<PublicKey>, StoreError> {
        let held = self.held_until.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = |key: &PublicKey| held.get(key).copied().flatten().is_some_and(|end| end <= now);
        let mut keys: Vec<_> =
            self.removed().iter().filter(|(key, pruned)| !**pruned && ended(key)).map(|(key, _)| key.clone()).collect();
        keys.sort();
        keys.truncate(limit);
        Ok(keys)
    }

    async fn pruned(&self, keys: &[PublicKey]) -> Result<(), StoreError> {
        let mut removed = self.removed();
        keys.iter().for_each(|key| {
            removed.entry(key.clone()).and_modify(|pruned| *pruned = true);
        });
        Ok(())
    }

    async fn of_user(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        let mut own: Vec<Device> = self.lock().iter().filter(|device| device.user == *user).cloned().collect();
        own.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        Ok(own)
    }

    async fn remove(&self, user: &UserId, device: &DeviceId) -> Result<Option<Device>, StoreError> {
        let mut devices = self.lock();
        let found = devices.iter().position(|own| own.user == *user && own.id == *device);
        let found = found.map(|index| devices.remove(index));
        if let Some(found) = &found {
            self.removed().insert(found.key.clone(), false);
        }
        Ok(found)
    }
}
